# SPDX-License-Identifier: GPL-2.0-only
"""A drain is reported once, and so is its end."""

from dataclasses import replace

from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind, Severity
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.state.vf_selection import Seen
from netvsc_bpf.model.drain import LINGER_S, Drain, DrainedBy
from tests.unit.planner.world import World

HOUR_NS = 3_600_000_000_000


def reported(*drains: Drain | None) -> list[Event]:
    """The events of a manager that finds the pair drained like this, turn by turn."""
    events: list[Event] = []
    reporter = Reporter(events.append)
    pair = World().observe()
    for drain in drains:
        reporter.observed(Seen(replace(pair, drained=drain), (), None))
    return events


def test_s98_drain_is_reported_with_its_reason_and_end_and_is_no_warning() -> None:
    now = CLOCKS.boottime()
    drain = Drain(now, now + HOUR_NS, "the host is serviced")
    (event,) = reported(None, drain, drain)
    assert (event.kind, event.severity) == (Kind.DRAINED, Severity.INFO)
    assert event.details[Detail.WHY] == "the host is serviced"
    assert str(event.details[Detail.UNTIL]).endswith("Z")
    assert event.text.startswith("until 20") and event.text.endswith(": the host is serviced")
    (event,) = reported(Drain(now))
    assert (event.text, Detail.WHY in event.details) == ("until `undrain`", False)


def test_s98_changed_reason_is_reported_again() -> None:
    kinds = [event.kind for event in reported(Drain(1), replace(Drain(1), why="now with one"))]
    assert kinds == [Kind.DRAINED, Kind.DRAINED]


def test_s98_end_says_whether_its_time_was_over_and_how_long_it_lasted() -> None:
    begun = CLOCKS.boottime() - HOUR_NS
    _, event = reported(Drain(begun), None, None)
    assert (event.kind, event.text) == (Kind.UNDRAINED, "by an operator")
    lasted = event.details[Detail.DURATION_S]
    assert isinstance(lasted, float) and lasted >= 3600
    _, event = reported(Drain(begun, begun + 1), None)
    assert event.text == "its time has ended"


def test_s99_drain_for_maintenance_is_reported_once_however_often_its_end_is_moved() -> None:
    now = CLOCKS.boottime()
    drain = Drain(now, now + HOUR_NS, "maintenance, Freeze", DrainedBy.MAINTENANCE)
    (event,) = reported(
        drain, replace(drain, until=now + 2 * HOUR_NS), replace(drain, until=now + 3 * HOUR_NS)
    )
    assert event.details[Detail.BY] == "maintenance"
    assert event.text.startswith("until the maintenance is over, or until 20")
    _, taken_over = reported(drain, replace(drain, by=DrainedBy.OPERATOR))
    assert taken_over.details[Detail.BY] == "operator"


def test_s99_end_of_maintenance_is_the_reason_only_for_the_drain_that_it_ended() -> None:
    events: list[Event] = []
    reporter, pair = Reporter(events.append), World().observe()
    drain = Drain(1, None, "", DrainedBy.MAINTENANCE)
    for _ in range(2):
        reporter.observed(Seen(replace(pair, drained=drain), (), None))
        if not events[1:]:
            reporter.maintained(pair.synthetic.ifindex)
        reporter.observed(Seen(replace(pair, drained=None), (), None))
    assert [event.text for event in events[1::2]] == ["the maintenance is over", "by an operator"]


def test_s98_what_is_due_for_a_drain_is_waited_for_and_nothing_else() -> None:
    drain, linger_ns = Drain(1_000), round(LINGER_S * 1e9)
    assert drain.lingers(1_000) and drain.wait_s(1_000) == LINGER_S
    assert not drain.lingers(1_000 + linger_ns)
    assert drain.wait_s(1_000 + linger_ns) is None
    timed = replace(drain, until=2 * HOUR_NS)
    assert timed.wait_s(HOUR_NS) == 3600.0
    assert (timed.is_over(2 * HOUR_NS - 1), timed.is_over(2 * HOUR_NS)) == (False, True)
