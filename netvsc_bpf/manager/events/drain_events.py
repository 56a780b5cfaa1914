# SPDX-License-Identifier: GPL-2.0-only
"""That a pair was drained, and that this is over, as events."""

from netvsc_bpf.kernel.process.clock import CLOCKS, Clocks
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind, Value
from netvsc_bpf.model.drain import Drain
from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.timestamp import timestamp


def drained_event(interface: str, drain: Drain, clocks: Clocks = CLOCKS) -> Event:
    """Tell that the pair leaves its VF, or goes on with that under another manager."""
    until = None if drain.until is None else clocks.utc(drain.until)
    ends = "until `undrain`" if until is None else f"until {until:%Y-%m-%d %H:%M:%S} UTC"
    details: dict[Detail, Value] = {Detail.REASON: Reason.DRAINED.value}
    if drain.why:
        details[Detail.WHY] = drain.why
    if until is not None:
        details[Detail.UNTIL] = timestamp(until)
    text = f"{ends}: {drain.why}" if drain.why else ends
    return Event(Kind.DRAINED, interface, text, details=details)


def undrained_event(interface: str, before: Drain, clocks: Clocks = CLOCKS) -> Event:
    """Tell that the VF may be used again; `before` is the drain as it was known."""
    now = clocks.boottime()
    text = "its time is over" if before.is_over(now) else "by an operator"
    details: dict[Detail, Value] = {Detail.DURATION_S: round((now - before.at) / 1e9, 6)}
    return Event(Kind.UNDRAINED, interface, text, details=details)
