# SPDX-License-Identifier: GPL-2.0-only
"""When to announce. Pure."""

from dataclasses import dataclass, field

from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy


@dataclass(slots=True)
class Schedule:
    """The pending rounds, by pair (ifindex). Times are seconds of one monotonic clock."""

    policy: AnnouncePolicy
    _due: dict[int, list[float]] = field(default_factory=dict)
    _last: dict[int, float] = field(default_factory=dict)

    def changed(self, pair: int, now: float) -> None:
        """Note a path change: it replaces the remaining rounds of an earlier change."""
        if not self.policy.enabled:
            return
        earliest = now
        if pair in self._last:
            earliest = max(now, self._last[pair] + self.policy.gap_s)
        self._due[pair] = sorted(max(earliest, now + after) for after in self.policy.after_s)

    def changed_and_taken(self, pair: int, now: float) -> bool:
        """Note a path change whose first round is sent now; if that is too early, return False."""
        if not self.policy.enabled or min(self.policy.after_s, default=1.0) > 0:
            return False
        if pair in self._last and now < self._last[pair] + self.policy.gap_s:
            return False
        self.changed(pair, now)
        self._took(pair, now)
        return True

    def take(self, now: float) -> list[int]:
        """Return the pairs with a round that is due; of several overdue ones the rest follow a gap apart."""
        ready = [pair for pair, times in self._due.items() if times and times[0] <= now]
        for pair in ready:
            self._took(pair, now)
        return ready

    def _took(self, pair: int, now: float) -> None:
        self._last[pair] = now
        # A process that got no time sends as many as any other: each is there in case the others get lost.
        self._due[pair] = [max(time, now + self.policy.gap_s) for time in self._due[pair][1:]]

    def next_at(self) -> float | None:
        """Return when the next round is due, None if none is pending."""
        return min((times[0] for times in self._due.values() if times), default=None)

    def keep(self, pairs: set[int]) -> None:
        """Drop all other pairs."""
        for memory in (self._due, self._last):
            for gone in set(memory) - pairs:
                del memory[gone]
