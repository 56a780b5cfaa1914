# SPDX-License-Identifier: GPL-2.0-only
"""Decides when to take down a VF that hv_netvsc has enslaved and that lost its carrier, and when to retry it.

The driver stops sending on such a VF but does not notify its host, which keeps delivering to it: ingress is
lost while the link is (netvsc_vf_changed() follows up and down only). If the VF is taken down, the host
leaves it too. A VF that is down shows no carrier, so it is brought up again to see whether its link is back;
while it is up without a link ingress is lost, so retries become less frequent. They also become longer: a
driver may need that, as igbvf does, which resets a VF whose PF was reset 10 seconds after its last reset
(igbvf_has_link()). Pure.
"""

from dataclasses import dataclass, replace

from netvsc_bpf.planner.observation import PairObservation

GRACE_S = 0.1
"""How long a link may be lost before the VF is taken down, which makes the host switch twice."""
TRIAL_S = 3.0
"""How long a link may take to come up after the VF was: autonegotiation of a real port takes up to this."""
LONGEST_TRIAL_S = 12.0
FIRST_S = 5.0
LONGEST_S = 300.0
"""How long the VF is down before the first retry, and at most; the time doubles with each retry."""


@dataclass(frozen=True, slots=True)
class LostLink:
    """State of one pair's VF between observations. Times are CLOCK_MONOTONIC seconds."""

    vf: int = 0
    """The ifindex of the VF; a replacement has another one."""
    without_since: float | None = None
    """Since when it has been up without carrier."""
    down_until: float = 0.0
    length_s: float = 0.0
    """How long it is, or was, taken down; 0 if it never was."""
    had_link: bool = False
    """It has had carrier since it was brought up."""

    def observed(self, seen: PairObservation, now: float) -> "LostLink":
        """Return the state after an observation."""
        joined = seen.joined
        if joined is None or joined.vf.master != seen.synthetic.ifindex:
            return LostLink()
        state = self if joined.vf.ifindex == self.vf else LostLink(joined.vf.ifindex)
        if state.is_active(joined.vf.ifindex, now) or not (joined.vf.up and seen.synthetic.up):
            return replace(state, without_since=None, had_link=False)
        if joined.vf.carrier:
            return LostLink(state.vf, had_link=True)
        since = now if state.without_since is None else state.without_since
        if now < since + state._timeout_s:
            return replace(state, without_since=since)
        length = min(LONGEST_S, 2 * state.length_s or FIRST_S)
        return LostLink(state.vf, None, now + length, length)

    def reported(self, vf: int, lost_at: float | None) -> "LostLink":
        """Return the state after the kernel left this VF because it lost its carrier; None: after it used it.

        It had a carrier until then. The grace begins at the loss, not when that is observed: a busy machine
        may take longer for that.
        """
        return self._used(vf) if lost_at is None else self._lost(vf, lost_at)

    def _lost(self, vf: int, when: float) -> "LostLink":
        if vf != self.vf or when < self.down_until:
            return self
        since = when if self.without_since is None else min(when, self.without_since)
        return replace(self, without_since=since, had_link=True)

    def _used(self, vf: int) -> "LostLink":
        return replace(self, without_since=None, had_link=True) if vf == self.vf else self

    def is_active(self, vf: int | None, now: float) -> bool:
        """Return whether this VF has to be down because its link is lost."""
        return vf == self.vf and now < self.down_until

    def wait_s(self, now: float) -> float | None:
        """Return the seconds until the next observation is due, None if none is."""
        if now < self.down_until:
            return self.down_until - now
        return None if self.acts_at is None else max(0.0, self.acts_at - now)

    @property
    def acts_at(self) -> float | None:
        """When the VF has to be taken down unless its link comes back; None if it has one, or is down."""
        return None if self.without_since is None else self.without_since + self._timeout_s

    @property
    def _timeout_s(self) -> float:
        if self.had_link:
            return GRACE_S
        return min(LONGEST_TRIAL_S, TRIAL_S * max(1.0, self.length_s / FIRST_S))
