# SPDX-License-Identifier: GPL-2.0-only
"""Events of pairs as values. docs/events.md documents them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from netvsc_bpf.kernel.process.clock import CLOCKS, Clocks
from netvsc_bpf.model.severity import Severity
from netvsc_bpf.model.timestamp import timestamp
from netvsc_bpf.planner.damping import FAILURES

MANAGER = "manager"
"""The interface of events that concern no interface."""

Value = str | int | float | None


class Kind(StrEnum):
    """The closed set of kinds of events. Text for people uses model.event_words for some of them."""

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
    MAINTENANCE_SCHEDULED = "maintenance-scheduled"
    MAINTENANCE_STARTED = "maintenance-started"
    MAINTENANCE_ACKNOWLEDGED = "maintenance-acknowledged"
    MAINTENANCE_ENDED = "maintenance-ended"
    FOLLOWED = "followed"
    DAMPED = "damped"
    STALLED = "stalled"
    UNREACHABLE = "unreachable"
    PROBED = "probed"
    REFUSED = "refused"
    FAILED = "failed"
    RELOADED = "reloaded"
    STARTED = "started"
    ADOPTED = "adopted"
    READY = "ready"
    RECONCILED = "reconciled"
    STOPPED = "stopped"


class Detail(StrEnum):
    """The closed set of an event's fields besides its text. Durations are in seconds."""

    TO = "to"
    """The path after a path change."""
    REASON = "reason"
    """A Reason, or the Cause of a refusal."""
    VF = "vf"
    """The name of the VF concerned."""
    NETNS = "netns"
    """The network namespace that it moved to or happened in, if that is not the manager's own."""
    STEP = "step"
    """The planner's name of the step that was taken, or tried."""
    HOOK = "hook"
    """What was restored: steer, home, guard, several separated by commas."""
    ERROR = "error"
    """The class of the error."""
    ERRORS = "errors"
    """Number of unexpected errors so far."""
    DURATION_S = "duration_s"
    """How long a step or a drain took; for a path change: how long the pair was on the previous path."""
    WHY = "why"
    """The reason for a drain."""
    BY = "by"
    """Who drained the pair: a DrainedBy."""
    UNTIL = "until"
    """When a drain ends automatically: ISO 8601, UTC."""
    MAINTENANCE = "maintenance"
    """The ID of an announced maintenance, as its source has it."""
    NOT_BEFORE = "not_before"
    """When maintenance starts at the earliest: ISO 8601, UTC."""
    HOLD_S = "hold_s"
    """How long a VF that stalled or was unreachable is not used."""
    JOIN_S = "join_s"
    """Time from the VF's appearance until the kernel armed it for the first time."""
    IFINDEX = "ifindex"
    """For a path change: the ifindex of the synthetic NIC, which does not change with its name."""
    BOOTTIME_NS = "boottime_ns"
    """The kernel's time of a path change: CLOCK_BOOTTIME, ns. With the ifindex it identifies the change."""
    MONOTONIC_NS = "monotonic_ns"
    """The same time by CLOCK_MONOTONIC, which stops during suspend: not comparable across one."""


_KIND_SEVERITY = {
    Kind.AWAITED: Severity.WARNING,
    Kind.REPAIRED: Severity.WARNING,
    Kind.DAMPED: Severity.WARNING,
    Kind.STALLED: Severity.WARNING,
    Kind.UNREACHABLE: Severity.WARNING,
    Kind.REFUSED: Severity.WARNING,
    Kind.FAILED: Severity.ERROR,
    Kind.RECONCILED: Severity.DEBUG,
}
_FAILED_VF: frozenset[Value] = frozenset(reason.value for reason in FAILURES)


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    `at` is CLOCK_BOOTTIME in ns; for events of the kernel it is the kernel's time. The time of day is
    computed on demand: setting the clock moves the times of events and of `status` alike.
    """

    kind: Kind
    interface: str
    text: str
    at: int = field(default_factory=CLOCKS.boottime)
    details: dict[Detail, Value] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """The severity: a failed VF is a warning, a withdrawn one is not."""
        if self.kind is Kind.SWITCHED and self.details.get(Detail.REASON) in _FAILED_VF:
            return Severity.WARNING
        return _KIND_SEVERITY.get(self.kind, Severity.INFO)

    def as_record(self, clocks: Clocks = CLOCKS) -> dict[str, Any]:
        """Return the object that `events --json` prints; its keys keep their meaning."""
        return {
            "time": timestamp(clocks.utc(self.at)),
            "event": self.kind.value,
            "severity": self.severity.value,
            "interface": self.interface,
            "text": self.text,
            **{key.value: value for key, value in self.details.items()},
        }
