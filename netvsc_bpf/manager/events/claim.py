# SPDX-License-Identifier: GPL-2.0-only
"""One manager for each network namespace.

The claim is a lock that only root and the service's user can take (kernel/bpf/claim_lock.py). The manager
also has a socket for clients (server.py); its abstract name is stored next to the lock.

Earlier versions used a socket with a fixed name as their claim. Such a manager is still respected; any other
user who holds that name is ignored and reported.
"""

import os
import socket
from contextlib import suppress
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel.bpf import claim_lock
from netvsc_bpf.kernel.bpf.moved_nic_marks import moved_nics
from netvsc_bpf.kernel.bpf.pin_layout import BPFFS, ROOT_NAME, NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.peer_credentials import Peer, peer
from netvsc_bpf.kernel.process.pin_root import require_access, trusted
from netvsc_bpf.model.errors import Busy, NamespaceGone, NetvscBpfError

EARLIER_NAME = "\0netvsc-bpf-manager"
_PREFIX = "netvsc-bpf-"
_WAITING = 128
_WHAT = "cannot manage this network namespace"


class Claim:
    """The claim, held until it is closed."""

    def __init__(self, listening: socket.socket, lock: claim_lock.FolderLock, stranger: Peer | None) -> None:
        self._socket, self._lock = listening, lock
        self.stranger = stranger
        """An untrusted process that holds the socket name of earlier versions, and is ignored."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        # What cannot be removed now is removed by the next writer.
        with suppress(NetvscBpfError, OSError):
            self._lock.close()

    @property
    def socket(self) -> socket.socket:
        """The listening socket: a client learns the manager's pid, and may send requests (server.py)."""
        return self._socket


def claim() -> Claim:
    """Take the claim. Raises Busy if another manager runs here."""
    where = NetnsPins(namespaces.current_inode())
    earlier = _of_earlier_version()
    if earlier is not None and trusted(earlier.uid):
        raise _busy(f"process {earlier.pid} manages it already", earlier.pid)
    name = f"{_PREFIX}{os.urandom(16).hex()}"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.bind(f"\0{name}")
        listening.listen(_WAITING)
        lock = claim_lock.take(where, name)
        if lock is None:
            pid = holder()
            raise _busy(
                f"{'another manager' if not pid else f'process {pid}'} manages it already", pid or None
            )
    except BaseException:
        listening.close()
        raise
    found = Claim(listening, lock, earlier)
    pid = _from_elsewhere()
    if pid is not None:
        with found:
            raise _busy(f"process {pid} manages a NIC that moved into it", pid)
    return found


def _busy(why: str, pid: int | None) -> Busy:
    return Busy(_WHAT, why, "stop it first", pid=pid)


def socket_name() -> str | None:
    """Return the socket name of the manager of this thread's network namespace, None without a manager."""
    name = claim_lock.socket_name(NetnsPins(namespaces.current_inode()))
    return None if name is None else f"\0{name}"


def is_claimed() -> bool:
    """Return whether another process manages this thread's network namespace."""
    return holder() is not None or _from_elsewhere() is not None


def refuse_while_managed(what: str) -> None:
    """Raise Busy if a manager runs for this network namespace: it would undo `what` at once.

    It runs either in this namespace, or in the one that a moved NIC came from. Raises MissingCapability if
    the pins are another user's.
    """
    require_access(what, BPFFS / ROOT_NAME)
    pid = holder()
    if pid is None:
        pid = _from_elsewhere()
    if pid is not None:
        who = f"process {pid}" if pid else "another process"
        raise Busy(
            what,
            f"{who} manages this network namespace and may attach again",
            "stop it first",
            pid=pid or None,
        )


def _from_elsewhere() -> int | None:
    """Return the pid of a manager elsewhere that manages a NIC which moved into this namespace."""
    for home in {one.home for one in moved_nics(NetnsPins(namespaces.current_inode()))}:
        with suppress(NamespaceGone), home.entered():
            if (pid := holder()) is not None:
                return pid
    return None


def holder() -> int | None:
    """Return the pid of the manager of this thread's network namespace, 0 if it cannot be determined.

    None: no manager, except perhaps this process itself.
    """
    where = NetnsPins(namespaces.current_inode())
    if claim_lock.is_taken(where):
        name = socket_name()
        found = None if name is None else _listener(name)
        return 0 if found is None else found.pid
    earlier = _of_earlier_version()
    return earlier.pid if earlier is not None and trusted(earlier.uid) else None


def _of_earlier_version() -> Peer | None:
    return _listener(EARLIER_NAME)


def _listener(name: str) -> Peer | None:
    """Return the process that listens on an abstract name in this thread's network namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(name)
        except OSError:
            return None
        return peer(probe)
