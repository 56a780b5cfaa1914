# SPDX-License-Identifier: GPL-2.0-only
"""The memories of all pairs, and what other threads add to them.

Only the reconciler's thread changes a memory. Path changes of the kernel and stalls come from other threads;
they wait in queues until the next turn, or until they are needed.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from netvsc_bpf.manager.state.pair_state import PairMemory
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner.damping import Damper, DampingPolicy
from netvsc_bpf.planner.lost_link import LostLink
from netvsc_bpf.planner.observation import PairObservation
from netvsc_bpf.planner.removals import Charges
from netvsc_bpf.planner.stall import HOLDS, Stall, StallPolicy


class _PathChange(NamedTuple):
    """What the kernel reports of the VF of a pair."""

    ifindex: int
    """The synthetic NIC."""
    vf: int
    failed_at: float | None = None
    """When it was left because it failed (CLOCK_MONOTONIC s); None: it is used."""
    link_lost: bool = False

    def charged(self, charges: Charges) -> Charges:
        """Return the charges after it."""
        return charges.used(self.vf) if self.failed_at is None else charges.failed(self.vf, self.failed_at)

    def applied(self, link: LostLink) -> LostLink:
        """Return what is known of the link after it."""
        says = self.failed_at is None or self.link_lost
        return link.reported(self.vf, self.failed_at) if says else link


@dataclass(slots=True)
class PairMemories:
    """By the ifindex of the synthetic NIC."""

    damping: DampingPolicy
    stall: StallPolicy
    tell_stalled: Callable[[Stall, float], None]
    """Called with each stall that begins a hold, and how many seconds that lasts."""
    clock: Callable[[], float] = time.monotonic
    _pairs: dict[int, PairMemory] = field(default_factory=dict)
    _changes: deque[_PathChange] = field(default_factory=deque)
    _stalls: deque[Stall] = field(default_factory=deque)
    _cleared: deque[tuple[int, int]] = field(default_factory=deque)
    """Pairs and VFs (ifindexes) that the probe found not to be at fault."""
    _forgiven: deque[int] = field(default_factory=deque)

    def __contains__(self, ifindex: int) -> bool:
        return ifindex in self._pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._pairs))

    def of(self, ifindex: int) -> PairMemory:
        """Return the memory of a pair, a new one if there is none."""
        return self._pairs.setdefault(ifindex, PairMemory(Charges(Damper(self.damping))))

    def observed(self, seen: PairObservation, now: float) -> PairMemory:
        """Return the memory of a pair, updated with `seen`.

        A VF that an earlier manager held back is held back again: the remaining time is unknown, and nothing
        shows that it works.
        """
        memory = self.of(seen.synthetic.ifindex)
        joined = seen.joined
        if memory.before is None and joined is not None and joined.withheld in HOLDS:
            why = "was held back before"
            self.stalled(Stall(seen.synthetic.ifindex, joined.vf.ifindex, now, why, joined.withheld))
            self.count()
        memory.observed(seen, now)
        return memory

    def attached(self) -> frozenset[int]:
        """Return the pairs that were attached when last observed. Any thread may call it."""
        pairs = list(self._pairs.items())
        return frozenset(one for one, memory in pairs if memory.before is not None and memory.before.attached)

    def forget(self, ifindex: int) -> None:
        """Drop the memory of a pair."""
        self._pairs.pop(ifindex, None)

    def configure(self, damping: DampingPolicy, stall: StallPolicy) -> None:
        """Apply other policies; what failed may work now."""
        self.damping, self.stall = damping, stall
        for memory in self._pairs.values():
            memory.charges = replace(memory.charges, damper=memory.damper.with_policy(damping))
            memory.settled()

    def path_left(self, ifindex: int, vf: int, when: float, *, link_lost: bool = False) -> None:
        """Note that the kernel left the VF of a pair because it failed. Any thread may call it."""
        self._changes.append(_PathChange(ifindex, vf, when, link_lost))

    def path_returned(self, ifindex: int, vf: int) -> None:
        """Note that the kernel uses the VF of a pair again. Any thread may call it."""
        self._changes.append(_PathChange(ifindex, vf))

    def stalled(self, stall: Stall) -> None:
        """Note that a VF must not be used because it stalled. Any thread may call it."""
        self._stalls.append(stall)

    def cleared(self, ifindex: int, vf: int) -> None:
        """Note that a VF that reached nothing was not at fault. Any thread may call it."""
        self._cleared.append((ifindex, vf))

    def forgiven(self, ifindex: int) -> None:
        """Note that the failures of a pair's VF have to be forgotten. Any thread may call it."""
        self._forgiven.append(ifindex)

    def count(self) -> None:
        """Process the queued notes."""
        while self._changes:
            change = self._changes.popleft()
            memory = self.of(change.ifindex)
            memory.charges, memory.link = change.charged(memory.charges), change.applied(memory.link)
        while self._stalls:
            stall = self._stalls.popleft()
            memory = self.of(stall.ifindex)
            before = memory.hold
            memory.hold = before.began(stall, self.stall)
            if memory.hold != before:
                self.tell_stalled(stall, memory.hold.length_s)
        while self._cleared:
            ifindex, vf = self._cleared.popleft()
            memory = self.of(ifindex)
            memory.hold = memory.hold.lifted(vf, self.clock())
        while self._forgiven:
            known = self._pairs.get(self._forgiven.popleft())
            if known is not None:
                known.forgive(self.damping)

    def steps_at(self) -> dict[int, float]:
        """Return when pairs have a step to take unless they change before. Any thread may call it."""
        links = {ifindex: memory.link for ifindex, memory in list(self._pairs.items())}
        for change in list(self._changes):  # not processed yet
            if change.ifindex in links:
                links[change.ifindex] = change.applied(links[change.ifindex])
        return {ifindex: link.acts_at for ifindex, link in links.items() if link.acts_at is not None}

    def held_back(self) -> dict[int, float]:
        """Return, by pair, for how many seconds its VF will not be used. Any thread may call it."""
        now = self.clock()
        waits = {ifindex: memory.held_back_for_s(now) for ifindex, memory in list(self._pairs.items())}
        return {ifindex: wait for ifindex, wait in waits.items() if wait is not None}

    def why_held_back(self, ifindex: int, vf: int | None) -> Reason | None:
        """Return why the VF of a pair must not be used now, None if it may be.

        Call it only while the reconciler's thread hangs in a step.
        """
        self.count()
        now, memory = self.clock(), self.of(ifindex)
        if memory.damper.decayed(now).suppressed:
            return Reason.DAMPED
        return memory.hold.reason if memory.hold.is_active(vf, now) else None
