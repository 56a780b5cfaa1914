# SPDX-License-Identifier: GPL-2.0-only
"""What can happen to a pair, as values. docs/events.md is its other half."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from netvsc_bpf.kernel.process.clock import CLOCKS, Clocks
from netvsc_bpf.model.timestamp import timestamp
from netvsc_bpf.planner.damping import FAILURES

MANAGER = "manager"
"""Stands where an interface would, in what concerns none."""

Value = str | int | float | None


class Kind(StrEnum):
    """The closed set of things that can happen to a pair."""

    AWAITED = "awaited"
    ATTACHED = "attached"
    REPAIRED = "repaired"
    UPGRADED = "upgraded"
    JOINED = "joined"
    LEFT = "left"
    RELEASED = "released"
    MOVED = "moved"
    PERMITTED = "permitted"
    WITHDRAWN = "withdrawn"
    SWITCHED = "switched"
    DRAINED = "drained"
    UNDRAINED = "undrained"
    FOLLOWED = "followed"
    DAMPED = "damped"
    STALLED = "stalled"
    REFUSED = "refused"
    FAILED = "failed"
    RELOADED = "reloaded"


class Severity(StrEnum):
    """How much somebody has to care."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Detail(StrEnum):
    """The closed set of what an event may say beside its text. Durations are seconds."""

    TO = "to"
    """The path after a switch."""
    REASON = "reason"
    """A Reason, or the Cause of a refusal."""
    VF = "vf"
    """The name of the VF that it is about."""
    NETNS = "netns"
    """The network namespace that it moved to or happened in, where that is not the manager's own."""
    STEP = "step"
    """The planner's name of what was done, or tried."""
    HOOK = "hook"
    """What was put back: steer, home, guard, several separated by commas."""
    ERROR = "error"
    """The class of the error."""
    ERRORS = "errors"
    """How many errors that nobody foresaw there have been."""
    DURATION_S = "duration_s"
    """How long a step took, or a drain; of a switch: how long the pair was on the path that it left."""
    WHY = "why"
    """What the operator gave as the reason of a drain."""
    UNTIL = "until"
    """When a drain ends by itself: ISO 8601, UTC."""
    HOLD_S = "hold_s"
    """For how long a VF that stalled is not used."""
    JOIN_S = "join_s"
    """From the VF's appearance to the moment the kernel armed it for the first time."""
    IFINDEX = "ifindex"
    """Of a switch: the number of the synthetic NIC, which outlives its name."""
    BOOTTIME_NS = "boottime_ns"
    """The kernel's own time of a switch: CLOCK_BOOTTIME, ns. With the ifindex it names the switch."""
    MONOTONIC_NS = "monotonic_ns"
    """The same moment by CLOCK_MONOTONIC, which stands still in suspend: of no use after one."""


_KIND_SEVERITY = {
    Kind.AWAITED: Severity.WARNING,
    Kind.REPAIRED: Severity.WARNING,
    Kind.DAMPED: Severity.WARNING,
    Kind.STALLED: Severity.WARNING,
    Kind.REFUSED: Severity.WARNING,
    Kind.FAILED: Severity.ERROR,
}
_FAILED_VF: frozenset[Value] = frozenset(reason.value for reason in FAILURES)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    `at` is CLOCK_BOOTTIME in ns, the kernel's where the kernel did it. The time of day is worked out when it
    is asked for: a clock that is set moves events and `status` alike.
    """

    kind: Kind
    interface: str
    text: str
    at: int = field(default_factory=CLOCKS.boottime)
    details: dict[Detail, Value] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How much somebody has to care: a VF that failed is a warning, one that was withdrawn is not."""
        if self.kind is Kind.SWITCHED and self.details.get(Detail.REASON) in _FAILED_VF:
            return Severity.WARNING
        return _KIND_SEVERITY.get(self.kind, Severity.INFO)

    def as_record(self, clocks: Clocks = CLOCKS) -> dict[str, Any]:
        """Return the object that `events --json` prints: its keys keep their meaning."""
        return {
            "time": timestamp(clocks.utc(self.at)),
            "event": self.kind.value,
            "severity": self.severity.value,
            "interface": self.interface,
            "text": self.text,
            **{key.value: value for key, value in self.details.items()},
        }
