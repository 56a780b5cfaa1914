# SPDX-License-Identifier: GPL-2.0-only
"""Classifies errnos: the object does not exist, or the failure is transient.

Code that takes a transient failure for a missing object loses data.
"""

import errno

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESRCH})
_PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EINTR,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.ENOSPC,
    }
)


def is_absent(error: OSError) -> bool:
    """Return whether a call failed because the object does not exist (any more)."""
    return error.errno in _ABSENT


def is_transient(error: BaseException) -> bool:
    """Return whether a call failed for lack of memory, descriptors, space or time: the next one may succeed.

    Accepts OSError and KernelError; any other exception is permanent.
    """
    return getattr(error, "errno", None) in _PASSING
