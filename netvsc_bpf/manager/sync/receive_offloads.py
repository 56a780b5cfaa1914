# SPDX-License-Identifier: GPL-2.0-only
"""Giving joined VFs the receive offloads that were changed on their synthetic NIC afterwards.

Level-triggered: the two are compared in every turn. `ethtool -K` causes a turn, because the kernel reports a
changed feature as it reports any change of an interface; a changed `forwarding` is noticed after at most one
interval.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from netvsc_bpf.datapath import follow_offloads
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.datapath.sync_vlans import Half
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.address_lists import vanished
from netvsc_bpf.kernel.net.ethtool_features import OffloadReader
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces, writer_lock
from netvsc_bpf.manager.events.kinds import MANAGER, Event, Kind
from netvsc_bpf.manager.reconcile.current_step import CurrentStep, FollowOffloads
from netvsc_bpf.manager.reconcile.pair_boundary import PairBoundary
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.attached_pairs import (
    AttachedPair,
    Served,
    attached_pairs,
    opened,
    some_links_for,
)
from netvsc_bpf.model.errors import KernelError, NetvscBpfError


@dataclass(slots=True)
class OffloadSync:
    """Syncs the pairs of this thread's network namespace that are `managed`.

    It takes the writer lock only if there is something to do, and never raises for a single pair. `warned` is
    called with the synthetic NIC (ifindex) and what its VF refuses; it reports the same only once.
    """

    managed: Served
    listener: Callable[[Event], None]
    warned: Callable[[int, str], None]
    running: CurrentStep = field(default_factory=CurrentStep)
    unexpected: UnexpectedErrors | None = None
    _boundary: PairBoundary = field(init=False)
    _read: OffloadReader = field(default_factory=OffloadReader)

    def __post_init__(self) -> None:
        what = "cannot sync the receive offloads of VFs"
        self._boundary = PairBoundary(what, self.listener, self.unexpected, harmless=_is_gone)

    def __call__(self) -> None:
        """Sync the offloads."""
        with self._boundary.around(MANAGER), Rtnetlink() as rtnl:
            where = NetnsPins(namespaces.current_inode())
            if self._behind(where, rtnl):
                with writer_lock.writer(where.root):
                    for pair in self._behind(where, rtnl):
                        step = self.running.step(FollowOffloads(pair.synthetic.ifindex))
                        with self._boundary.around(pair.synthetic.name), step:
                            self._sync(where, rtnl, pair)

    def _behind(self, where: NetnsPins, rtnl: Rtnetlink) -> list[AttachedPair]:
        """Return the pairs that are not in sync; report what VFs refuse."""
        found = []
        for pair in attached_pairs(where, some_links_for(where, rtnl), self.managed):
            if pair.vf is None:
                continue
            with self._boundary.around(pair.synthetic.name, "look"):
                synthetic, vf = _halves(pair)
                difference = follow_offloads.difference(rtnl, synthetic, vf, pair.vf_offloads, self._read)
                if difference.requests:
                    found.append(pair)
                else:
                    self._report_unmet(pair, difference)
        return found

    def _sync(self, where: NetnsPins, rtnl: Rtnetlink, pair: AttachedPair) -> None:
        synthetic, vf = _halves(pair)
        with opened(where) as loaded:
            slot = None if loaded is None else find_pair_slot(loaded, synthetic.ifindex)
            if loaded is None or slot is None:
                return
            state = loaded.found(slot)
            done = follow_offloads.follow(rtnl, state, synthetic, vf, lambda: loaded.set_found(slot, state))
        given = {one: on for one, on in done.requests.items() if one not in done.unmet}
        if given:
            text = f"{vf.name} has {follow_offloads.words(given)}"
            self.listener(Event(Kind.FOLLOWED, synthetic.name, text))
        self._report_unmet(pair, done)

    def _report_unmet(self, pair: AttachedPair, difference: follow_offloads.Difference) -> None:
        synthetic, vf = _halves(pair)
        text = follow_offloads.warning(synthetic.name, vf.name, difference.unmet)
        if text is not None:
            self.warned(synthetic.ifindex, text)


def _halves(pair: AttachedPair) -> tuple[Half, Half]:
    assert pair.vf is not None
    return Half(pair.synthetic.ifindex, pair.synthetic.name), Half(pair.vf.ifindex, pair.vf.name)


def _is_gone(error: NetvscBpfError) -> bool:
    """Return whether the VF was removed meanwhile: that is not a failure."""
    return isinstance(error, KernelError) and vanished(error)
