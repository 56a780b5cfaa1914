# SPDX-License-Identifier: GPL-2.0-only
"""Not being root for a while, and keeping every capability: for a library that asks who somebody is.

The bits and numbers are those of include/uapi/linux/prctl.h and securebits.h; see capabilities(7).
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_PR_GET_SECUREBITS, _PR_SET_SECUREBITS = 27, 28
_NO_SETUID_FIXUP = 1 << 2
"""Capabilities do not follow the user."""
_NOBODY = 65534


@contextmanager
def not_root() -> Iterator[None]:
    """Have another effective user than root.

    Nothing changes for who is not root, may not set securebits (CAP_SETPCAP), or lives in a user namespace
    that has no other user.
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
