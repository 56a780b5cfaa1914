# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for a timeout or for a key pressed at the terminal, whichever comes first."""

import os
import select
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_QUIT = b"qQ\x03\x04"  # also Ctrl-C and Ctrl-D, in case they arrive as characters


@dataclass(frozen=True, slots=True)
class Keys:
    """The source of keys: a terminal's descriptor, or None without a terminal."""

    fd: int | None

    def wait(self, seconds: float) -> bool:
        """Return True after that time, False as soon as a quit key is pressed."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.fd is None:
                time.sleep(left)
                continue
            if not select.select([self.fd], [], [], left)[0]:
                return True
            pressed = os.read(self.fd, 64)
            if not pressed or any(key in _QUIT for key in pressed):  # end of file: the terminal is gone
                return False
        return True


@contextmanager
def keys_of(fd: int) -> Iterator[Keys]:
    """Read single keys without echo within the block; Ctrl-C still interrupts."""
    if not os.isatty(fd):
        yield Keys(None)
        return
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield Keys(fd)
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
