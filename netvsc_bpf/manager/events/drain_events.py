# SPDX-License-Identifier: GPL-2.0-only
"""The events of a drain and of its end."""

from netvsc_bpf.kernel.process.clock import CLOCKS, Clocks
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind, Value
from netvsc_bpf.model.drain import Drain, DrainedBy
from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.timestamp import local, timestamp


def drained_event(interface: str, drain: Drain, clocks: Clocks = CLOCKS) -> Event:
    """Return the event that a pair is drained; a manager that starts with a drained pair reports it too."""
    until = None if drain.until is None else clocks.utc(drain.until)
    ends = "until `undrain`" if until is None else f"until {local(until)}"
    if drain.by is DrainedBy.MAINTENANCE:
        ends = f"until the maintenance is over, or {ends} if its source falls silent"
    details: dict[Detail, Value] = {Detail.REASON: Reason.DRAINED.value, Detail.BY: drain.by.value}
    if drain.why:
        details[Detail.WHY] = drain.why
    if until is not None:
        details[Detail.UNTIL] = timestamp(until)
    text = f"{ends}: {drain.why}" if drain.why else ends
    return Event(Kind.DRAINED, interface, text, details=details)


def undrained_event(
    interface: str, before: Drain, clocks: Clocks = CLOCKS, *, maintained: bool = False
) -> Event:
    """Return the event that a drain has ended.

    `before` is the drain as last seen; `maintained`: the manager ended it because maintenance is over.
    """
    now = clocks.boottime()
    if maintained:
        text = "the maintenance is over"
    else:
        text = "its time has ended" if before.is_over(now) else "by an operator"
    details: dict[Detail, Value] = {Detail.DURATION_S: round((now - before.at) / 1e9, 6)}
    return Event(Kind.UNDRAINED, interface, text, details=details)
