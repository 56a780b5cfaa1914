# SPDX-License-Identifier: GPL-2.0-only
"""Letting VLANs into joined VFs that are made later than the VF was joined.

Level-triggered: the VLANs of each synthetic NIC are compared with those of its VF, at every look.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from netvsc_bpf.datapath.vlans import Half, lend, missing
from netvsc_bpf.kernel import lock, netns, vlans
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.kernel.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.vlans import Vlan
from netvsc_bpf.manager.attached import Served, attached_pairs, some_links_for
from netvsc_bpf.manager.boundary import Boundary
from netvsc_bpf.manager.bugs import Bugs
from netvsc_bpf.manager.events import MANAGER, Event, Kind
from netvsc_bpf.manager.running import FollowVlans, Running


@dataclass(slots=True)
class VlanFollower:
    """Looks at the pairs of this thread's network namespace that are `managed`.

    Without VLANs that costs next to nothing. It takes the writer lock only where there is something to do,
    and never raises for a single pair.
    """

    managed: Served
    listener: Callable[[Event], None]
    running: Running = field(default_factory=Running)
    bugs: Bugs | None = None
    _boundary: Boundary = field(init=False)

    def __post_init__(self) -> None:
        self._boundary = Boundary("cannot let VLANs into VFs", self.listener, self.bugs)

    def __call__(self) -> None:
        """Lend what is missing."""
        if vlans.none_here():
            return
        with self._boundary.around(MANAGER), Rtnetlink() as rtnl:
            where = NetnsPins(netns.current_inode())
            if self._behind(where, rtnl):
                with lock.writer(where.root):
                    for synthetic, vf, ids in self._behind(where, rtnl):
                        step = self.running.step(FollowVlans(synthetic.ifindex))
                        with self._boundary.around(synthetic.name), step:
                            lend(rtnl, synthetic, vf, ids)
                            self._tell(synthetic, vf, ids)

    def _behind(self, where: NetnsPins, rtnl: Rtnetlink) -> list[tuple[Half, Half, list[Vlan]]]:
        """Return the pairs that something is to be done for: synthetic NIC, VF, and the ids that it needs."""
        all_stacked = vlans.stacked(rtnl)
        found = []
        for pair in attached_pairs(where, some_links_for(where, rtnl), self.managed):
            if pair.vf is None or pair.by_driver:
                continue
            synthetic = Half(pair.synthetic.ifindex, pair.synthetic.name)
            vf = Half(pair.vf.ifindex, pair.vf.name)
            with self._boundary.around(synthetic.name, "look"):
                if needed := vlans.filtered(vf.name, missing(synthetic, vf, all_stacked)):
                    found.append((synthetic, vf, needed))
        return found

    def _tell(self, synthetic: Half, vf: Half, ids: list[Vlan]) -> None:
        which = ", ".join(map(str, ids))
        self.listener(Event(Kind.FOLLOWED, synthetic.name, f"{vf.name} lets VLAN {which} in"))
