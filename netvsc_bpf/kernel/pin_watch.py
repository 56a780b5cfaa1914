# SPDX-License-Identifier: GPL-2.0-only
"""Being told that a pin was removed: inotify sees unlink() in bpffs as anywhere."""

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

_IN_DELETE, _IN_NONBLOCK, _IN_CLOEXEC = 0x200, os.O_NONBLOCK, os.O_CLOEXEC


class PinWatch:
    """Calls back when a pin or folder below our folder in bpffs was removed (inotify)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop, self._wake = loop, wake
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        self._watched: dict[Path, int] = {}
        loop.add_reader(self._fd, self._read)

    def follow(self, folders: set[Path]) -> None:
        """Watch these folders and no others; one that vanished is forgotten by the kernel."""
        for gone in self._watched.keys() - folders:
            self._libc.inotify_rm_watch(self._fd, self._watched.pop(gone))
        for folder in folders - self._watched.keys():
            number = self._libc.inotify_add_watch(self._fd, os.fsencode(folder), _IN_DELETE)
            if number >= 0:
                self._watched[folder] = number

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _read(self) -> None:
        try:
            while os.read(self._fd, 65536):
                pass
        except BlockingIOError:
            self._wake()
