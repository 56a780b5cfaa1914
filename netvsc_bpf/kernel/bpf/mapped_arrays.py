# SPDX-License-Identifier: GPL-2.0-only
"""Arrays of structs in memory shared with the kernel: the single entry of a map of map_addresses.MAPS.

Reading takes no system call. Members of eight bytes are read atomically.
"""

import ctypes
import mmap
from typing import TypeVar

_Struct = TypeVar("_Struct", bound=ctypes.Structure)


class Table:
    """The entry, of `size` bytes, of a map with BPF_F_MMAPABLE.

    Close it after use; the caller closes the map's descriptor.
    """

    def __init__(self, fd: int, size: int) -> None:
        self._memory = mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)

    def close(self) -> None:
        """Unmap it."""
        self._memory.close()

    def read(self, kind: type[_Struct], number: int) -> _Struct:
        """Copy one struct out of an array of them."""
        return kind.from_buffer_copy(self._memory, number * ctypes.sizeof(kind))

    def write(self, number: int, value: ctypes.Structure) -> None:
        """Copy one struct into an array of them."""
        size = ctypes.sizeof(value)
        self._memory[number * size : (number + 1) * size] = bytes(value)
