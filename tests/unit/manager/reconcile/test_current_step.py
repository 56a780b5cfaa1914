# SPDX-License-Identifier: GPL-2.0-only
"""What one thread says of the step that it takes, and what another makes of it."""

import pytest

from netvsc_bpf.manager.reconcile.current_step import CurrentStep
from netvsc_bpf.planner.actions import Attach


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running(clock: Clock) -> CurrentStep:
    return CurrentStep(clock)


def test_step_is_overdue_from_its_limit_until_its_end(running: CurrentStep, clock: Clock) -> None:
    with running.step(Attach(2)):
        clock.now += 9.9
        assert running.overdue(10.0) is None
        clock.now += 0.1
        step = running.overdue(10.0)
        assert step is not None and step.action == Attach(2)
    assert running.overdue(10.0) is None


def test_step_that_raises_has_ended_as_well(running: CurrentStep, clock: Clock) -> None:
    with pytest.raises(OSError), running.step(Attach(2)):
        raise OSError
    clock.now += 20
    assert running.overdue(10.0) is None


def test_only_the_step_that_was_given_up_learns_of_it(running: CurrentStep, clock: Clock) -> None:
    with running.step(Attach(2)) as first_given_up:
        clock.now += 10
        step = running.overdue(10.0)
        assert step is not None and not first_given_up()
        running.give_up(step)
        assert first_given_up()
    with running.step(Attach(2)) as second_given_up:
        assert not second_given_up(), "though it is the same action"


def test_look_that_does_not_return_is_not_taken_for_a_step(running: CurrentStep, clock: Clock) -> None:
    clock.now += 10
    assert running.lost(10.0) and running.overdue(10.0) is None
    with running.step(Attach(2)):
        clock.now += 10
        assert not running.lost(10.0)
    assert not running.lost(10.0), "many steps that take their time are no look that hangs"
    clock.now += 10
    assert running.lost(10.0)
    running.lives()
    assert not running.lost(10.0)


def test_compiler_may_take_longer_than_a_step_but_not_for_ever(running: CurrentStep, clock: Clock) -> None:
    with running.compiling():
        clock.now += 30
        assert not running.lost(10.0)
        clock.now += 30
        assert running.lost(10.0)
    assert not running.lost(10.0)
    clock.now += 10
    assert running.lost(10.0), "what comes after it is a look again"
