# SPDX-License-Identifier: GPL-2.0-only
"""What an errno says: that something is not there, or that the machine could not answer just now.

A handler that takes every failed call for the first loses data when it is the second.
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
    """Tell whether a call failed because what it asked for is not there (any more)."""
    return error.errno in _ABSENT


def is_transient(error: BaseException) -> bool:
    """Tell whether a call failed for want of memory, descriptors, room or time: the next one may work.

    Takes OSError and KernelError; any other exception is for good.
    """
    return getattr(error, "errno", None) in _PASSING
