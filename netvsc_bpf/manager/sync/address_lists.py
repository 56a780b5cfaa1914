# SPDX-License-Identifier: GPL-2.0-only
"""Syncing the multicast and unicast lists of joined VFs with their synthetic NICs.

Joining syncs them once (netvsc_bpf/datapath/sync_addresses.py); this syncs later changes. Level-triggered:
the lists of the synthetic NIC and of its VF are compared in every turn.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from netvsc_bpf.datapath.sync_addresses import AddressSyncer
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.address_lists import vanished
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces, writer_lock
from netvsc_bpf.manager.events.kinds import MANAGER, Event
from netvsc_bpf.manager.reconcile.current_step import CurrentStep, FollowLists
from netvsc_bpf.manager.reconcile.pair_boundary import PairBoundary
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.attached_pairs import Served, attached_pairs, some_links_for
from netvsc_bpf.model.errors import KernelError, NetvscBpfError

_WHAT = "cannot sync the address lists of VFs"


@dataclass(slots=True)
class AddressListSync:
    """Syncs the pairs of this thread's network namespace that are `managed`.

    It takes the writer lock only if there is something to do, and never raises for a single pair.
    """

    managed: Served
    listener: Callable[[Event], None]
    running: CurrentStep = field(default_factory=CurrentStep)
    unexpected: UnexpectedErrors | None = None
    _boundary: PairBoundary = field(init=False)

    def __post_init__(self) -> None:
        self._boundary = PairBoundary(_WHAT, self.listener, self.unexpected, harmless=_is_gone)

    def __call__(self) -> None:
        """Sync the lists."""
        with self._boundary.around(MANAGER):
            where = NetnsPins(namespaces.current_inode())
            if self._behind(where):
                with writer_lock.writer(where.root):
                    for name, synthetic, vf in self._behind(where):
                        step = self.running.step(FollowLists(synthetic))
                        with self._boundary.around(name), step, AddressSyncer(where) as keeper:
                            keeper.sync(keeper.lists(synthetic, vf), vf)

    def _behind(self, where: NetnsPins) -> list[tuple[str, int, int]]:
        """Return the pairs that are not in sync: name, synthetic NIC, VF."""
        with Rtnetlink() as rtnl:
            pairs = attached_pairs(where, some_links_for(where, rtnl), self.managed)
        found = []
        halves = {one.ifindex for pair in pairs for one in (pair.synthetic, pair.vf) if one is not None}
        with AddressSyncer(where, halves) as keeper:
            for pair in pairs:
                if pair.vf is None:
                    continue
                synthetic, vf = pair.synthetic, pair.vf.ifindex
                with self._boundary.around(synthetic.name, "look"):
                    lists = keeper.lists(synthetic.ifindex, vf)
                    if lists.missing or lists.gone:
                        found.append((synthetic.name, synthetic.ifindex, vf))
        return found


def _is_gone(error: NetvscBpfError) -> bool:
    """Return whether the VF was removed meanwhile: that is not a failure."""
    return isinstance(error, KernelError) and vanished(error)
