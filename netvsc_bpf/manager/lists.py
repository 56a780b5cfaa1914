# SPDX-License-Identifier: GPL-2.0-only
"""Keeping the multicast and unicast lists of joined VFs in step with their synthetic NICs.

Joining lends them once (netvsc_bpf/datapath/lists.py); this is for what comes and goes later.
Level-triggered: what the synthetic NIC listens to is compared with what its VF does, at every look.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from netvsc_bpf.datapath.lists import ListKeeper, is_ours
from netvsc_bpf.kernel import lock, netns, speakers
from netvsc_bpf.kernel.address_lists import vanished
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.kernel.netlink import changing
from netvsc_bpf.kernel.rtnetlink import Rtnetlink
from netvsc_bpf.manager.attached import attached_pairs
from netvsc_bpf.manager.events import MANAGER, Event, Kind
from netvsc_bpf.manager.running import FollowLists, Running
from netvsc_bpf.model.errors import KernelError, NetvscBpfError

_WHAT = "cannot keep the address lists of VFs in step"


@dataclass(slots=True)
class ListFollower:
    """Looks at the pairs of this thread's network namespace (those of `names` alone, if given).

    It takes the writer lock only where there is something to do, and never raises for a single pair.
    """

    names: tuple[str, ...]
    listener: Callable[[Event], None]
    running: Running = field(default_factory=Running)
    _told: dict[str, str] = field(default_factory=dict)
    """The failure of each interface that was told last: it is tried again at every look, and told once."""

    def __call__(self) -> None:
        """Bring the lists in step."""
        with self._telling(MANAGER):
            where = NetnsPins(netns.current_inode())
            if self._behind(where):
                with lock.writer(where.root):
                    for name, synthetic, vf in self._behind(where):
                        step = self.running.step(FollowLists(synthetic))
                        with self._telling(name), step, ListKeeper(where) as keeper:
                            keeper.settle(keeper.look(synthetic, vf), vf)

    def _behind(self, where: NetnsPins) -> list[tuple[str, int, int]]:
        """Return the pairs that something is to be done for: name, synthetic NIC, VF."""
        with Rtnetlink() as rtnl:
            pairs = attached_pairs(where, speakers.links(rtnl), self.names)
        found = []
        with ListKeeper(where) as keeper:
            for pair in pairs:
                if pair.vf is None or not is_ours(pair.synthetic.ifindex, pair.vf.master):
                    continue
                lists = keeper.look(pair.synthetic.ifindex, pair.vf.ifindex)
                if lists.missing or lists.gone:
                    found.append((pair.synthetic.name, pair.synthetic.ifindex, pair.vf.ifindex))
        return found

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        """Tell what fails, if it is not what was told last; a VF that vanished meanwhile is no failure."""
        try:
            with changing(_WHAT):
                yield
        except NetvscBpfError as error:
            gone = isinstance(error, KernelError) and vanished(error)
            if not gone and self._told.get(name) != str(error):
                self._told[name] = str(error)
                self.listener(Event(Kind.FAILED, name, str(error)))
        else:
            self._told.pop(name, None)
