# SPDX-License-Identifier: GPL-2.0-only
"""When everything is looked at, and when what concerns the pairs is enough."""

from netvsc_bpf.datapath.session import Scope
from netvsc_bpf.manager.state.observation_scope import ObservationScope

INTERVAL_S = 30.0
PAIR = frozenset({2, 3})


class World:
    """What messages said, and a manager that has looked once."""

    def __init__(self) -> None:
        self.news: frozenset[int] | None = frozenset()
        self.scope = ObservationScope(lambda: self.news, members=None)
        assert self.at(0.0) is None, "the first look is at everything"
        self.scope.members = PAIR

    def at(self, now: float, *, fails: bool = False) -> Scope | None:
        near = self.scope.begin(now, INTERVAL_S)
        if not fails:
            self.scope.end()
        return near


def test_between_two_intervals_the_pairs_and_what_is_new_are_enough() -> None:
    world = World()
    assert world.at(1.0) == Scope(PAIR, 0)
    world.news = frozenset({9})
    assert world.at(2.0) == Scope(PAIR | {9}, 0)
    assert world.at(INTERVAL_S) is None
    assert world.at(INTERVAL_S + 1.0) is not None


def test_without_messages_everything_is_observed() -> None:
    world = World()
    world.news = None
    assert world.at(1.0) is None


def test_a_look_that_failed_is_made_up_for() -> None:
    world = World()
    assert world.at(1.0, fails=True) is not None
    assert world.at(2.0) is None, "what was new for the one before is lost now"
    assert world.at(3.0) is not None


def test_another_configuration_takes_a_look_at_everything() -> None:
    world = World()
    world.scope.at_everything()
    assert world.at(1.0) is None
