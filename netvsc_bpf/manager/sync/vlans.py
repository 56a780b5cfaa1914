# SPDX-License-Identifier: GPL-2.0-only
"""Adding VLANs that are created after the VF was joined to its VLAN filter.

Level-triggered: the VLANs of each synthetic NIC are compared with those of its VF in every turn.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from netvsc_bpf.datapath.sync_vlans import Half, missing, sync
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net import vlan_devices
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.vlan_devices import Vlan
from netvsc_bpf.kernel.process import namespaces, writer_lock
from netvsc_bpf.manager.events.kinds import MANAGER, Event, Kind
from netvsc_bpf.manager.reconcile.current_step import CurrentStep, FollowVlans
from netvsc_bpf.manager.reconcile.pair_boundary import PairBoundary
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.attached_pairs import Served, attached_pairs, some_links_for


@dataclass(slots=True)
class VlanSync:
    """Syncs the pairs of this thread's network namespace that are `managed`.

    Without VLANs that costs next to nothing. It takes the writer lock only if there is something to do, and
    never raises for a single pair.
    """

    managed: Served
    listener: Callable[[Event], None]
    running: CurrentStep = field(default_factory=CurrentStep)
    unexpected: UnexpectedErrors | None = None
    _boundary: PairBoundary = field(init=False)

    def __post_init__(self) -> None:
        self._boundary = PairBoundary("cannot add VLANs to VFs", self.listener, self.unexpected)

    def __call__(self) -> None:
        """Add missing VLANs."""
        if vlan_devices.no_vlans():
            return
        with self._boundary.around(MANAGER), Rtnetlink() as rtnl:
            where = NetnsPins(namespaces.current_inode())
            if self._behind(where, rtnl):
                with writer_lock.writer(where.root):
                    for synthetic, vf, ids in self._behind(where, rtnl):
                        step = self.running.step(FollowVlans(synthetic.ifindex))
                        with self._boundary.around(synthetic.name), step:
                            sync(rtnl, synthetic, vf, ids)
                            self._report(synthetic, vf, ids)

    def _behind(self, where: NetnsPins, rtnl: Rtnetlink) -> list[tuple[Half, Half, list[Vlan]]]:
        """Return the pairs that are not in sync: synthetic NIC, VF, and the VLAN ids that it needs."""
        all_stacked = vlan_devices.stacked(rtnl)
        found = []
        for pair in attached_pairs(where, some_links_for(where, rtnl), self.managed):
            if pair.vf is None or pair.by_driver:
                continue
            synthetic = Half(pair.synthetic.ifindex, pair.synthetic.name)
            vf = Half(pair.vf.ifindex, pair.vf.name)
            with self._boundary.around(synthetic.name, "look"):
                if needed := vlan_devices.filtered(vf.name, missing(synthetic, vf, all_stacked)):
                    found.append((synthetic, vf, needed))
        return found

    def _report(self, synthetic: Half, vf: Half, ids: list[Vlan]) -> None:
        which = ", ".join(map(str, ids))
        self.listener(Event(Kind.FOLLOWED, synthetic.name, f"{vf.name} accepts VLAN {which}"))
