# SPDX-License-Identifier: GPL-2.0-only
"""The clock that a process which was stopped finds where it left it."""

from netvsc_bpf.manager.reconcile.current_step import CurrentStep
from netvsc_bpf.manager.state.process_clock import ProcessClock
from netvsc_bpf.planner.actions import Attach


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_that_is_looked_at_goes_by() -> None:
    clock = Clock()
    witness = ProcessClock(1.0, clock)
    begun = witness()
    for _ in range(40):
        clock.now += 0.25
        now = witness()
    assert now - begun == 10.0


def test_a_stop_counts_as_one_look_that_was_late() -> None:
    clock = Clock()
    witness = ProcessClock(1.0, clock)
    begun = witness()
    clock.now += 3600
    assert witness() - begun == 1.0
    clock.now += 0.5
    assert witness() - begun == 1.5


def test_s23_step_during_which_the_process_was_stopped_is_overdue_only_if_it_stays_away() -> None:
    clock = Clock()
    running = CurrentStep(ProcessClock(1.0, clock))
    with running.step(Attach(2)):
        clock.now += 3600
        assert running.overdue(10.0) is None
        for _ in range(36):
            clock.now += 0.25
            overdue = running.overdue(10.0)
        assert overdue is not None
