# SPDX-License-Identifier: GPL-2.0-only
"""Drops the effective user root temporarily but keeps all capabilities, for a library that checks the user.

The bits and numbers are those of include/uapi/linux/prctl.h and securebits.h; see capabilities(7).
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_PR_GET_SECUREBITS, _PR_SET_SECUREBITS = 27, 28
_NO_SETUID_FIXUP = 1 << 2
"""SECBIT_NO_SETUID_FIXUP: capabilities stay when the user changes."""
_NOBODY = 65534


@contextmanager
def not_root() -> Iterator[None]:
    """Run the block with another effective user than root.

    Does nothing if this process is not root, may not set securebits (CAP_SETPCAP), or is in a user namespace
    without other users.
    """
    with ExitStack() as undo:
        _leave_root(undo)
        yield


def _leave_root(undo: ExitStack) -> None:
    libc = ctypes.CDLL(None)
    bits = libc.prctl(_PR_GET_SECUREBITS)
    if os.geteuid() != 0 or bits < 0 or libc.prctl(_PR_SET_SECUREBITS, bits | _NO_SETUID_FIXUP) != 0:
        return
    undo.callback(libc.prctl, _PR_SET_SECUREBITS, bits)
    with suppress(OSError):
        os.seteuid(_NOBODY)
        undo.callback(os.seteuid, 0)
