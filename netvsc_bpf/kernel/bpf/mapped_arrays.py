# SPDX-License-Identifier: GPL-2.0-only
"""Arrays of structs that lie in memory shared with the kernel: the entry of a map of direct.MAPS.

Reading takes no system call. Members of eight bytes that the kernel changes meanwhile are read whole.
"""

import ctypes
import mmap
from typing import TypeVar

_Struct = TypeVar("_Struct", bound=ctypes.Structure)


class Table:
    """The entry, so many bytes, of a map that has BPF_F_MMAPABLE.

    Close it after use; the map's descriptor stays the caller's.
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
