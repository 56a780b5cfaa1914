# SPDX-License-Identifier: GPL-2.0-only
"""Identifies the current network namespace, and enters another."""

import ctypes
import errno
import os
import socket
import sys
from pathlib import Path

from netvsc_bpf.model.errors import KernelError, MissingCapability, Refused

_CLONE_NEWNET = 0x40000000
_SO_NETNS_COOKIE = 71  # include/uapi/asm-generic/socket.h, Linux 5.14
_NAMED = Path("/run/netns")


def current_inode() -> int:
    """Return the inode number of this thread's network namespace; unique among existing namespaces."""
    return Path("/proc/thread-self/ns/net").stat().st_ino


def current_cookie() -> int:
    """Return SO_NETNS_COOKIE, which is never reused while the machine runs (net/core/net_namespace.c)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        raw = probe.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)
    return int.from_bytes(raw, sys.byteorder)


def named() -> list[str]:
    """Return the names of network namespaces made by `ip netns add`, sorted; none if there is no folder."""
    try:
        return sorted(path.name for path in _NAMED.iterdir())
    except OSError:  # it is made with the first namespace
        return []


def enter(name: str) -> None:
    """Move this thread into a network namespace made by `ip netns add`.

    Unlike `ip netns exec` this keeps the mount namespace, so that bpffs stays visible.
    """
    what = f"cannot enter network namespace {name}"
    try:
        fd = os.open(_NAMED / name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Refused(what, f"{_NAMED / name} does not exist", "see `ip netns list`") from None
    except PermissionError as error:
        raise MissingCapability(what, str(error), "run as root") from None
    except OSError as error:
        raise KernelError(what, os.strerror(error.errno or 0), errno=error.errno) from error
    try:
        enter_fd(fd, what)
    except KernelError as error:
        if error.errno == errno.EINVAL:
            raise Refused(
                what, f"{_NAMED / name} is not a network namespace", "see `ip netns list`"
            ) from None
        raise
    finally:
        os.close(fd)


def enter_fd(fd: int, what: str) -> None:
    """Move this thread into the network namespace of a descriptor.

    Raises MissingCapability, and KernelError with the kernel's errno.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, _CLONE_NEWNET):
        number = ctypes.get_errno()
        if number == errno.EPERM:
            raise MissingCapability(what, "CAP_SYS_ADMIN is missing", "run as root")
        raise KernelError(what, os.strerror(number), errno=number)
