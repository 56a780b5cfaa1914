# SPDX-License-Identifier: GPL-2.0-only
"""One manager for each network namespace.

The claim is a lock that only root and the user of the service can take (kernel/bpf/claim_lock.py). Beside it
the manager has a socket for those who ask (server.py). Its abstract name is found where the lock is.

Earlier versions had a socket with a name that everybody knew as their claim. Such a manager still counts; any
other user who holds that name is passed by, and reported.
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
        """Who holds the name that earlier versions had, and is nobody to heed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        # What cannot be removed now the next writer removes.
        with suppress(NetvscBpfError, OSError):
            self._lock.close()

    @property
    def socket(self) -> socket.socket:
        """The listening socket: who connects has learned our pid, and may ask for more (server.py)."""
        return self._socket


def claim() -> Claim:
    """Return the claim. Raises Busy where another manager runs here."""
    where = NetnsPins(namespaces.current_inode())
    earlier = _of_earlier_version()
    if earlier is not None and trusted(earlier.uid):
        raise _busy(f"process {earlier.pid} does already", earlier.pid)
    name = f"{_PREFIX}{os.urandom(16).hex()}"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.bind(f"\0{name}")
        listening.listen(_WAITING)
        lock = claim_lock.take(where, name)
        if lock is None:
            pid = holder()
            raise _busy(f"{'another manager' if not pid else f'process {pid}'} does already", pid or None)
    except BaseException:
        listening.close()
        raise
    found = Claim(listening, lock, earlier)
    pid = _from_elsewhere()
    if pid is not None:
        with found:
            raise _busy(f"process {pid} followed a NIC into it, and manages that", pid)
    return found


def _busy(why: str, pid: int | None) -> Busy:
    return Busy(_WHAT, why, "stop it first", pid=pid)


def socket_name() -> str | None:
    """Return the socket's name of the manager of this thread's network namespace; None: there is none."""
    name = claim_lock.socket_name(NetnsPins(namespaces.current_inode()))
    return None if name is None else f"\0{name}"


def is_claimed() -> bool:
    """Say whether another process manages this thread's network namespace."""
    return holder() is not None or _from_elsewhere() is not None


def refuse_while_managed(what: str) -> None:
    """Raise Busy where a manager runs for this network namespace: it would undo `what` at once.

    Either in it, or in the one that a NIC came from which visits here. Raises MissingCapability where the
    pins are another user's.
    """
    require_access(what, BPFFS / ROOT_NAME)
    pid = holder()
    if pid is None:
        pid = _from_elsewhere()
    if pid is not None:
        who = f"process {pid}" if pid else "another process"
        raise Busy(what, f"{who} manages it and would attach it again", "stop that first", pid=pid or None)


def _from_elsewhere() -> int | None:
    """Return the process that followed a NIC into this namespace."""
    for home in {one.home for one in moved_nics(NetnsPins(namespaces.current_inode()))}:
        with suppress(NamespaceGone), home.entered():
            if (pid := holder()) is not None:
                return pid
    return None


def holder() -> int | None:
    """Return who manages this thread's network namespace, 0 where that is not to be found out.

    None: nobody, but perhaps ourselves.
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
    """Ask the kernel who listens on an abstract name in this thread's network namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(name)
        except OSError:
            return None
        return peer(probe)
