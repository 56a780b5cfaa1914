# SPDX-License-Identifier: GPL-2.0-only
"""Watches for removed pins with inotify, which reports unlink() in bpffs as in any file system."""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path

from netvsc_bpf.kernel.bpf import pin_files

_IN_IGNORED = 0x8000
_EVENT = struct.Struct("iIII")
"""struct inotify_event (linux/inotify.h); a name of that length follows."""
_IN_DELETE, _IN_NONBLOCK, _IN_CLOEXEC = 0x200, os.O_NONBLOCK, os.O_CLOEXEC


class PinWatch:
    """Calls back when a pin or folder was removed from a watched folder."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop, self._wake = loop, wake
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        self._watched: dict[Path, int] = {}
        loop.add_reader(self._fd, self._read)

    def follow(self, folders: set[Path]) -> bool:
        """Watch exactly these folders; return whether any of them was not watched before."""
        for gone in self._watched.keys() - folders:
            self._libc.inotify_rm_watch(self._fd, self._watched.pop(gone))
        new = folders - self._watched.keys()
        for folder in new:
            try:
                with pin_files.open_folder(folder) as fd:
                    path = f"/proc/self/fd/{fd}".encode()
                    number = self._libc.inotify_add_watch(self._fd, path, _IN_DELETE)
            except FileNotFoundError:
                continue
            if number >= 0:
                self._watched[folder] = number
        return not new.isdisjoint(self._watched)

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _read(self) -> None:
        try:
            while True:
                self._forget(os.read(self._fd, 65536))
        except BlockingIOError:
            self._wake()

    def _forget(self, events: bytes) -> None:
        """Drop the watches of deleted folders: a new folder with the same name needs a new watch."""
        offset = 0
        while offset < len(events):
            number, mask, _, length = _EVENT.unpack_from(events, offset)
            offset += _EVENT.size + length
            if mask & _IN_IGNORED:
                self._watched = {path: one for path, one in self._watched.items() if one != number}
