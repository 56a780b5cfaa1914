# SPDX-License-Identifier: GPL-2.0-only
"""Distinguishes a removal of a VF from a failure where the kernel's reason for leaving does not.

A driver may take the link away or detach its device before it unregisters it: mana does, in mana_detach().
The kernel then leaves the VF as one that failed, which is charged at once. If the device is gone soon after
that, it was removed, and the penalty is taken back. Pure.
"""

from dataclasses import dataclass, replace

from netvsc_bpf.planner.damping import Damper
from netvsc_bpf.planner.observation import PairObservation

SOON_S = 10.0
"""How long after it was left a VF may take to be gone. A driver waits for its hardware in between."""


@dataclass(frozen=True, slots=True)
class Charges:
    """The penalty of a pair, and what of it has to be taken back. Times are CLOCK_MONOTONIC seconds."""

    damper: Damper
    last_vf: int = 0
    """The VF (ifindex) of the last failure, 0: none that can be taken back."""
    last_at: float = 0.0
    without: Damper | None = None
    """The penalty without the last failure."""
    gone_vf: int = 0
    """The VF (ifindex) that was removed last: its failure may be reported later than its removal."""
    gone_at: float = 0.0

    def decayed(self, now: float) -> "Charges":
        """Return the state at a later time."""
        return replace(self, damper=self.damper.decayed(now))

    def failed(self, vf: int, when: float) -> "Charges":
        """Return the state after a failure, unless it is known that the VF was being removed."""
        if vf == self.gone_vf and self.gone_at - when <= SOON_S:
            return self
        return replace(self, damper=self.damper.failed(when), last_vf=vf, last_at=when, without=self.damper)

    def used(self, vf: int) -> "Charges":
        """Return the state after the kernel used a VF again: its last failure is over."""
        return replace(self, last_vf=0, without=None) if vf == self.last_vf else self

    def observed(self, before: PairObservation | None, seen: PairObservation, now: float) -> "Charges":
        """Return the state after an observation: a VF that is gone was removed."""
        vf = _removed(before, seen)
        if vf is None:
            return self._still_there(seen)
        gone = replace(self, gone_vf=vf, gone_at=now, last_vf=0, without=None)
        if vf != self.last_vf or self.without is None or now - self.last_at > SOON_S:
            return gone
        return replace(gone, damper=self.without.with_policy(self.damper.policy).decayed(now))

    def _still_there(self, seen: PairObservation) -> "Charges":
        if seen.joined is None:
            return self
        vf, after = seen.joined.vf, self
        if vf.ifindex == self.gone_vf:
            after = replace(after, gone_vf=0)  # it came back from another network namespace
        return after.used(vf.ifindex) if vf.up and vf.carrier else after


def _removed(before: PairObservation | None, now: PairObservation) -> int | None:
    """Return the VF (ifindex) that is gone since the earlier observation. One that was released is not."""
    if before is None or before.joined is None:
        return None
    vf = before.joined.vf.ifindex
    if now.joined is None:
        return vf if now.left_behind else None
    return vf if now.joined.vf.ifindex != vf else None
