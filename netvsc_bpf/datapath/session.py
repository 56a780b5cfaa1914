# SPDX-License-Identifier: GPL-2.0-only
"""What every operation needs: the pins of this namespace, netlink, the NICs, and for writers the lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pyroute2 import IPRoute

from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.kernel import change_over, lock, netns, ownership, pins
from netvsc_bpf.kernel.bpffs import require_bpffs
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.kernel.capabilities import CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, require
from netvsc_bpf.kernel.netlink import changing
from netvsc_bpf.model.nic import Nic


@dataclass(frozen=True, slots=True)
class Session:
    """One look at this thread's network namespace."""

    pins: NetnsPins
    ipr: IPRoute
    nics: tuple[Nic, ...]
    lock_fd: int | None = None
    """The lock of a writer, for children that must not outlive it unnoticed."""

    def refreshed(self) -> "Session":
        """Look again."""
        return replace(self, nics=tuple(list_nics(self.ipr)))

    def nic(self, ifindex: int | None) -> Nic | None:
        """Return the NIC of that number, None if there is none (any more)."""
        return next((nic for nic in self.nics if nic.ifindex == ifindex), None)

    def attached(self) -> list[int]:
        """Return the ifindexes of the attached synthetic NICs."""
        return pins.attached_ifindexes(self.pins)


@contextmanager
def reading(what: str) -> Iterator[Session]:
    """Look without changing anything.

    Raises BpffsUnavailable, MissingCapability, and KernelError for what fails in the block unexpectedly.
    """
    require(what, CAP_BPF)
    require_bpffs()
    ours = NetnsPins(netns.current_inode())
    ownership.require_access(what, ours.root)
    with changing(what), IPRoute() as ipr:
        yield Session(ours, ipr, tuple(list_nics(ipr)))


@contextmanager
def writing(what: str) -> Iterator[Session]:
    """Look and change, alone.

    Raises BpffsUnavailable, MissingCapability, Busy, KernelError for what fails in the block unexpectedly.
    A change of programs that somebody was killed in is finished first. The folder of the namespace is removed
    again when nothing is attached in it at the end.
    """
    require(what, CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)
    require_bpffs()
    ours = NetnsPins(netns.current_inode())
    ownership.require_access(what, ours.root)
    with lock.writer(ours.root) as lock_fd, changing(what), IPRoute() as ipr:
        ours.home.mkdir(exist_ok=True)
        try:
            nics = tuple(list_nics(ipr))
            change_over.finish(ours, ipr, [nic.ifindex for nic in nics])
            yield Session(ours, ipr, nics, lock_fd)
        finally:
            if not pins.attached_ifindexes(ours):
                pins.remove_tree(ours, ours.home)
            ownership.hand_over(ours.root)
