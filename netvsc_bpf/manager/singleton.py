# SPDX-License-Identifier: GPL-2.0-only
"""One manager for each network namespace.

The claim is a socket with an abstract name: such names belong to the network namespace, and the kernel frees
them with the process, however it ends.
"""

import errno
import os
import socket
from contextlib import suppress
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel import netns
from netvsc_bpf.kernel.bpffs_layout import BPFFS, ROOT_NAME, NetnsPins
from netvsc_bpf.kernel.our_root import require_access
from netvsc_bpf.kernel.peer import peer
from netvsc_bpf.kernel.visitors import visitors
from netvsc_bpf.model.errors import Busy, NamespaceGone

NAME = "\0netvsc-bpf-manager"
_WAITING = 128


class Claim:
    """The claim, held until it is closed."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    @property
    def socket(self) -> socket.socket:
        """The listening socket: who connects has learned our pid, and may ask for more (serving.py)."""
        return self._socket


def claim() -> Claim:
    """Return the claim. Raises Busy where another manager runs here."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.bind(NAME)
        listening.listen(_WAITING)
    except OSError as error:
        listening.close()
        if error.errno != errno.EADDRINUSE:
            raise
        pid = holder()
        who = "another manager" if pid is None else f"process {pid}"
        raise Busy(
            "cannot manage this network namespace", f"{who} does already", "stop it first", pid=pid
        ) from None
    pid = _from_elsewhere()
    if pid is not None:
        listening.close()
        why = f"process {pid} followed a NIC into it, and manages that"
        raise Busy("cannot manage this network namespace", why, "stop it first", pid=pid)
    return Claim(listening)


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
        raise Busy(what, f"process {pid} manages it and would attach it again", "stop that first", pid=pid)


def _from_elsewhere() -> int | None:
    """Return the process that followed a NIC into this namespace."""
    for home in {one.home for one in visitors(NetnsPins(netns.current_inode()))}:
        with suppress(NamespaceGone), home.entered():
            if (pid := holder()) is not None:
                return pid
    return None


def holder() -> int | None:
    """Ask the kernel who manages this thread's network namespace; None: nobody but perhaps ourselves."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(NAME)
        except OSError:
            return None
        pid = peer(probe).pid
    return pid if pid != os.getpid() else None
