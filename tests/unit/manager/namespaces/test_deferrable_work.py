# SPDX-License-Identifier: GPL-2.0-only
"""Work that may wait is done when nothing else has to be, and never waits for ever."""

import pytest

from netvsc_bpf.manager.namespaces.deferrable_work import DeferrableWork

PAIR = 2


class World:
    """What happens to a manager; the time is in seconds."""

    def __init__(self) -> None:
        self.woken = False
        self.steps_at: dict[int, float] = {}
        self.work = DeferrableWork(lambda: self.woken, lambda: self.steps_at)

    def turn(self, now: float) -> bool:
        """Whether the work is done in a turn."""
        self.work.begin_turn()
        is_time = self.work.is_time(now)
        self.work.end_turn(now)
        return is_time


@pytest.fixture
def world() -> World:
    return World()


def test_it_is_done_at_once_if_nothing_else_has_to_be(world: World) -> None:
    world.steps_at[PAIR] = 15.0
    assert world.turn(10.0), "a step in five seconds is none of now"


def test_s102_it_waits_until_a_vf_that_lost_its_link_was_taken_down(world: World) -> None:
    world.steps_at[PAIR] = 10.1
    assert not world.turn(10.0)
    del world.steps_at[PAIR]
    assert world.turn(10.2)


def test_it_waits_for_half_a_second_at_most_while_the_manager_is_woken_again_and_again(world: World) -> None:
    world.woken = True
    assert not any(world.turn(10.0 + tenth / 10) for tenth in range(5))
    assert world.turn(10.5)


def test_s102_step_that_is_due_comes_first_however_long_it_has_waited(world: World) -> None:
    world.woken = True
    assert not world.turn(10.0)
    world.steps_at[PAIR] = 11.0
    assert not world.turn(11.0)
    world.steps_at.clear()
    assert world.turn(11.1)


def test_its_wait_begins_anew_after_a_turn_without_other_work(world: World) -> None:
    world.woken = True
    assert not world.turn(10.0)
    world.woken = False
    world.work.end_turn(10.1)
    world.woken = True
    assert not world.turn(10.9)


def test_rest_of_it_waits_if_something_happens_meanwhile(world: World) -> None:
    world.work.begin_turn()
    assert world.work.is_time(10.0)
    assert world.work.goes_on(10.0)
    world.woken = True
    assert not world.work.goes_on(10.1)
    assert not world.turn(10.2)
    assert world.turn(10.7), "not for ever"


def test_what_has_waited_for_too_long_is_done_as_a_whole(world: World) -> None:
    world.woken = True
    assert not world.turn(10.0)
    world.work.begin_turn()
    assert world.work.is_time(10.5)
    assert world.work.goes_on(10.6)
    world.steps_at[PAIR] = 10.8
    assert not world.work.goes_on(10.7), "but for a step that is due"


def test_its_answer_holds_for_the_whole_turn(world: World) -> None:
    world.work.begin_turn()
    assert world.work.is_time(10.0)
    world.woken = True
    assert world.work.is_time(10.0)
