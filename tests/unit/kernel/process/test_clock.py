# SPDX-License-Identifier: GPL-2.0-only
"""The time of day of a kernel stamp: after a suspend, in a time namespace, with a clock that was set."""

from datetime import timedelta

import pytest

from netvsc_bpf.kernel.process.clock import CLOCKS, Shifts, parse_shifts
from tests.unit.kernel.fake_clocks import NOON, SECOND, Machine

AHEAD = Shifts(monotonic=5000 * SECOND, boottime=100_000 * SECOND + 7)
BEHIND = Shifts(monotonic=-900 * SECOND, boottime=-800 * SECOND)


@pytest.fixture(params=[Shifts(), AHEAD, BEHIND], ids=["no namespace", "ahead", "behind"])
def machine(request: pytest.FixtureRequest) -> Machine:
    return Machine(shifts=request.param)


def test_s110_an_event_keeps_its_time_of_day_across_a_suspend(machine: Machine) -> None:
    event = machine.stamp()
    machine.runs(5)
    assert machine.clocks.utc(event) == NOON
    machine.is_suspended(3600.25)
    machine.runs(5)
    later = machine.stamp()
    assert machine.clocks.utc(event) == NOON
    assert abs(machine.clocks.utc(later) - NOON - timedelta(seconds=3610.25)) < timedelta(milliseconds=1)


def test_s110_setting_the_clock_also_applies_to_earlier_timestamps(machine: Machine) -> None:
    event = machine.stamp()
    machine.runs(60)
    machine.is_set(-7200)
    assert machine.clocks.utc(event) == NOON - timedelta(hours=2)


def test_s110_the_clocks_of_the_programs_are_those_outside_of_a_time_namespace(machine: Machine) -> None:
    machine.is_suspended(100)
    machine.step = 0
    assert machine.clocks.boottime() == machine.stamp()
    assert machine.clocks.monotonic() == machine.up


def test_s110_failures_count_by_the_managers_own_clock(machine: Machine) -> None:
    event = machine.stamp()
    machine.runs(30)
    machine.step = 0
    own_now = machine.up + machine.shifts.monotonic
    assert machine.clocks.own_monotonic_s(event) == pytest.approx(own_now / SECOND - 30, abs=1e-5)


def test_two_looks_tell_the_same_moment_whenever_they_are_taken(machine: Machine) -> None:
    event = machine.stamp()
    machine.is_suspended(12.345)
    times = set()
    for look in range(50):
        machine.step = 40 + look  # a look may take longer
        machine.runs(0.0013 * look)
        times.add(machine.clocks.utc(event))
    assert len(times) == 1


def test_the_real_clocks_tell_the_same_moment_at_each_look() -> None:
    event = CLOCKS.boottime()
    assert len({CLOCKS.utc(event) for _ in range(200)}) == 1


def test_a_moment_is_cut_to_microseconds_not_rounded_by_floats() -> None:
    machine = Machine()
    event = machine.stamp() + 999
    assert machine.clocks.utc(event) == NOON
    assert machine.clocks.utc(event + 1) == NOON + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "shifts"),
    [
        ("monotonic           0         0\nboottime            0         0\n", Shifts()),
        ("monotonic        5000         0\nboottime      100000         7\n", AHEAD),
        ("monotonic      -60 500000000\nboottime   -3 0\n", Shifts(-59_500_000_000, -3 * SECOND)),
        ("", Shifts()),
    ],
)
def test_shifts_of_a_time_namespace(text: str, shifts: Shifts) -> None:
    assert parse_shifts(text) == shifts
