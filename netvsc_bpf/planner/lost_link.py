# SPDX-License-Identifier: GPL-2.0-only
"""A VF that hv_netvsc has enslaved and that loses its carrier: when to take it down and when to try it again.

The driver stops sending by such a VF and does not tell its host, which goes on delivering by it: ingress is
lost for as long as the link is (netvsc_vf_changed() follows up and down alone). Taken down, the VF is left by
the host as well. A VF that is down shows no carrier, so it is brought up again to see whether its link is
back; while it is up without one ingress is lost, so trials become rarer. Pure.
"""

from dataclasses import dataclass, replace

from netvsc_bpf.planner.observation import PairObservation

GRACE_S = 0.3
"""A link that is back sooner is not worth two switches of the host."""
TRIAL_S = 3.0
"""What a link may take to come up once the VF is up: autonegotiation of a real port takes up to this."""
FIRST_S = 5.0
LONGEST_S = 300.0
"""How long the VF is down before the first trial, and at most; each time twice as long."""


@dataclass(frozen=True, slots=True)
class LostLink:
    """One pair's VF from look to look. Times are CLOCK_MONOTONIC seconds."""

    vf: int = 0
    """The ifindex of the VF; one that is plugged in instead is another device."""
    without_since: float | None = None
    """Since when it has been up without carrier."""
    down_until: float = 0.0
    length_s: float = 0.0
    """How long it is, or was, taken down: 0 where it has not been."""

    def observed(self, seen: PairObservation, now: float) -> "LostLink":
        """Return the state after a look."""
        joined = seen.joined
        if joined is None or joined.vf.master != seen.synthetic.ifindex:
            return LostLink()
        state = self if joined.vf.ifindex == self.vf else LostLink(joined.vf.ifindex)
        if state.is_active(joined.vf.ifindex, now) or not (joined.vf.up and seen.synthetic.up):
            return replace(state, without_since=None)
        if joined.vf.carrier:
            return LostLink(state.vf)
        since = now if state.without_since is None else state.without_since
        if now < since + state._patience_s:
            return replace(state, without_since=since)
        length = min(LONGEST_S, 2 * state.length_s or FIRST_S)
        return LostLink(state.vf, None, now + length, length)

    def is_active(self, vf: int | None, now: float) -> bool:
        """Return whether this VF is to be down because its link is lost."""
        return vf == self.vf and now < self.down_until

    def wait_s(self, now: float) -> float | None:
        """Return in how many seconds to look again, None if nothing is waited for."""
        if now < self.down_until:
            return self.down_until - now
        return None if self.without_since is None else max(0.0, self.without_since + self._patience_s - now)

    @property
    def _patience_s(self) -> float:
        return TRIAL_S if self.length_s else GRACE_S
