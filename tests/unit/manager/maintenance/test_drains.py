# SPDX-License-Identifier: GPL-2.0-only
"""What a turn of the manager does about maintenance, pair by pair."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from netvsc_bpf.datapath.maintenance_drain import Step, StoredDrain
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.events.kinds import Event
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.maintenance import drains
from netvsc_bpf.manager.maintenance.drains import MaintenanceDrains
from netvsc_bpf.manager.maintenance.notice import Key, Order, Source
from netvsc_bpf.model.drain import DrainedBy
from netvsc_bpf.model.errors import KernelError

ETH0, ETH1 = 2, 3
OVER, NOT_KNOWN = Order(certain=True), Order()


def due(*ids: str) -> Order:
    until = CLOCKS.boottime() + 3_600_000_000_000
    return Order(frozenset(Key(Source.AZURE, one) for one in ids), until, "maintenance, Freeze", certain=True)


class Scene:
    """Two pairs whose drains are a dict, and a manager that is as slow as the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stored = {pair: StoredDrain(pair, 0, None) for pair in (ETH0, ETH1)}
        self.order, self.steps = NOT_KNOWN, list[tuple[int, Step]]()
        self.managed, self.fails, self.undrained = {ETH0, ETH1}, set[int](), list[str]()
        self.events: list[Event] = []
        self.again_in_s: float | None = None
        monkeypatch.setattr(drains, "reading", self._session)
        monkeypatch.setattr(drains, "writing", self._session)
        monkeypatch.setattr(drains, "take", self._take)
        monkeypatch.setattr(drains.datapath, "undrain", self._undrain)
        monkeypatch.setattr(
            drains, "stored_drains", lambda _, pairs: {pair: self.stored[pair] for pair in sorted(pairs)}
        )
        self.job = self.restarted()

    def restarted(self) -> MaintenanceDrains:
        self.job = MaintenanceDrains(
            lambda: self.order,
            lambda: self.managed,
            Reporter(self.events.append),
            self.events.append,
        )
        return self.job

    def turn(self, order: Order) -> list[tuple[int, Step]]:
        self.order = order
        before = len(self.steps)
        self.again_in_s = self.job()
        return self.steps[before:]

    def operator(self, pair: int, until: int, by: DrainedBy | None = DrainedBy.OPERATOR) -> None:
        self.stored[pair] = StoredDrain(pair, until, by)

    def _undrain(self, interface: str, *, by_operator: bool) -> list[str]:
        assert not by_operator, "the return of a VF that failed is for an operator to allow"
        self.undrained.append(interface)
        return []

    @contextmanager
    def _session(self, _: str, scope: object = None) -> Iterator[Any]:
        scene = self

        class Session:
            def attached(self) -> list[int]:
                return list(scene.stored)

            def nic(self, ifindex: int) -> Any:
                return type("Nic", (), {"name": f"eth{ifindex - ETH0}"})

            def everything(self) -> Any:
                return self

        yield Session()

    def _take(self, _: Any, pair: int, slot: int, step: Step, *, now: int, until: int, why: str) -> None:
        if pair in self.fails:
            raise KernelError("cannot", "EPERM")
        self.steps.append((pair, step))
        ours, before = DrainedBy.MAINTENANCE, self.stored[pair]
        self.stored[pair] = {
            Step.BEGIN: StoredDrain(slot, until, ours),
            Step.EXTEND: StoredDrain(slot, until, before.by),
            Step.END: StoredDrain(slot, 0, ours),
            Step.FORGET: StoredDrain(slot, 0, None),
        }[step]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def both(step: Step) -> list[tuple[int, Step]]:
    return [(ETH0, step), (ETH1, step)]


def test_s99_all_managed_pairs_are_drained_and_undrained_and_then_forgotten(scene: Scene) -> None:
    order = due("a")
    assert scene.turn(order) == both(Step.BEGIN) and scene.job.done == order and scene.again_in_s == 0
    assert scene.turn(order) == [] and scene.again_in_s is None
    assert scene.turn(OVER) == both(Step.END) and scene.job.done != OVER
    assert scene.turn(OVER) == both(Step.FORGET) and scene.turn(OVER) == []
    assert scene.job.done == OVER


def test_s99_pair_that_appears_meanwhile_is_drained_too(scene: Scene) -> None:
    order = due("a")
    scene.turn(order)
    scene.stored[4] = StoredDrain(4, 0, None)
    scene.managed.add(4)
    scene.fails = {4}
    assert scene.turn(order) == [] and scene.job.done is None and scene.again_in_s == 1.0
    scene.fails = set()
    assert scene.turn(order) == [(4, Step.BEGIN)] and scene.job.done == order


def test_s99_operator_has_the_last_word_for_each_event(scene: Scene) -> None:
    scene.operator(ETH1, 1 << 63)
    order = due("a")
    assert scene.turn(order) == [(ETH0, Step.BEGIN)] and scene.job.done == order
    scene.operator(ETH0, 0, None)
    assert scene.turn(order) == [] and scene.job.done == order
    assert scene.turn(due("a", "b")) == [(ETH0, Step.BEGIN)]
    assert scene.turn(OVER) == [(ETH0, Step.END)]
    scene.turn(OVER)
    assert scene.stored[ETH1].until == 1 << 63


def test_s99_last_word_ends_with_the_event_though_another_has_its_id(scene: Scene) -> None:
    order = due("a")
    scene.turn(order)
    scene.operator(ETH0, 0, None)
    assert scene.turn(order) == [] and scene.turn(OVER) == [(ETH1, Step.END)]
    scene.turn(OVER)
    order = due("a")
    assert scene.turn(order) == both(Step.BEGIN)
    scene.operator(ETH0, 0, None)
    assert scene.turn(order) == []


def test_s99_drain_of_an_operator_that_ends_meanwhile_is_followed_by_one_for_the_maintenance(
    scene: Scene,
) -> None:
    scene.operator(ETH1, 1 << 63)
    order = due("a")
    scene.turn(order)
    scene.operator(ETH1, 0, None)
    assert scene.turn(order) == [(ETH1, Step.BEGIN)]


def test_s99_drains_of_an_earlier_manager_stay_until_it_is_certain_that_they_are_over(scene: Scene) -> None:
    scene.turn(due("a"))
    scene.restarted()
    assert scene.turn(NOT_KNOWN) == [] and scene.turn(NOT_KNOWN) == []
    assert scene.turn(OVER) == both(Step.END)


def test_s99_next_manager_takes_over_a_drain_so_an_operator_may_end_it(scene: Scene) -> None:
    order = due("a")
    scene.turn(order)
    scene.restarted()
    assert scene.turn(order) == []
    scene.operator(ETH0, 0, None)
    assert scene.turn(order) == []


def test_s99_what_this_manager_began_it_ends_though_another_source_has_never_answered(scene: Scene) -> None:
    scene.operator(ETH1, 1 << 63, DrainedBy.MAINTENANCE)  # by an earlier manager
    scene.turn(due("a"))
    assert scene.turn(NOT_KNOWN) == [(ETH0, Step.END)]


def test_s99_drain_is_extended_only_if_it_would_end_earlier(scene: Scene) -> None:
    early, late = due("a"), due("a")
    scene.turn(late)
    assert scene.turn(early) == []
    assert scene.turn(due("a")) == both(Step.EXTEND)


def test_s99_failure_of_one_pair_is_reported_once_and_does_not_stop_the_others(scene: Scene) -> None:
    scene.fails = {ETH0}
    order = due("a")
    assert scene.turn(order) == [(ETH1, Step.BEGIN)] and scene.job.done is None
    assert scene.again_in_s == 0, "the other pair's VF is taken down"
    assert scene.turn(order) == [] and scene.again_in_s == 1.0
    assert [event.text for event in scene.events] == ["cannot: EPERM"]
    scene.fails = set()
    assert scene.turn(order) == [(ETH0, Step.BEGIN)] and scene.job.done == order


def test_s99_pair_that_is_not_managed_any_more_is_undrained_without_the_manager(scene: Scene) -> None:
    scene.turn(due("a"))
    scene.managed = {ETH1}
    assert scene.turn(OVER) == [(ETH1, Step.END)]
    assert scene.undrained == ["eth0"]


def test_s99_without_maintenance_nothing_is_read_but_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.turn(OVER)
    monkeypatch.setattr(drains, "reading", None)
    assert scene.turn(OVER) == []
