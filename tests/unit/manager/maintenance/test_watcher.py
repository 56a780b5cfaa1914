# SPDX-License-Identifier: GPL-2.0-only
"""The watch: what it orders, reports and acknowledges, and that no source ends it."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netvsc_bpf.manager.events.kinds import Event, Kind, Severity
from netvsc_bpf.manager.maintenance import watcher
from netvsc_bpf.manager.maintenance.ledger import Now
from netvsc_bpf.manager.maintenance.news import QUIET_S, SourceHealth
from netvsc_bpf.manager.maintenance.notice import Key, Notice, Order, Source
from netvsc_bpf.manager.maintenance.watcher import MaintenanceWatch
from netvsc_bpf.manager.state.maintenance_policy import Endpoint, MaintenancePolicy
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.model.errors import NoticesUnavailable

STARTED = Notice(Key(Source.AZURE, "a"), "Freeze", started=True)
TO_COME = Notice(Key(Source.AZURE, "b"), "Reboot", False, datetime(2026, 11, 24, 19, 0, 30, tzinfo=UTC))
AZURE = MaintenancePolicy(azure=True, acknowledge=True, interval_s=0.01)


class Azure:
    """What AzureEvents does, without a network."""

    source = Source.AZURE

    def __init__(self) -> None:
        self.says: tuple[Notice, ...] | Exception = ()
        self.fails_to_acknowledge = False
        self.acknowledged: list[str] = []

    async def read(self) -> tuple[Notice, ...]:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    async def acknowledge(self, ids: Iterable[str]) -> None:
        if self.fails_to_acknowledge:
            raise NoticesUnavailable("cannot acknowledge", "it answered 500")
        self.acknowledged += ids


class Scene:
    """A watch, its source, and the rest of the manager."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, policy: MaintenancePolicy = AZURE) -> None:
        self.azure, self.events, self.changes = Azure(), list[Event](), 0
        self.unexpected: list[Exception] = []
        self.drained, self.reconciled = True, 0
        self.stats = ManagerStats()
        monkeypatch.setattr(watcher, "AzureEvents", lambda _: self.azure)
        monkeypatch.setattr(watcher, "LINGER_S", 0.0)
        monkeypatch.setattr(watcher, "_TICK_S", 0.01)
        monkeypatch.setattr(watcher, "_RETRY_MOST_S", 0.02)
        now = Now(1000.0, datetime(2026, 11, 24, 19, 0, tzinfo=UTC))
        self.watch = MaintenanceWatch(
            policy,
            self.events.append,
            self.stats,
            changed=self._changed,
            reconciled=self._reconciled,
            fulfilled=lambda _: self.drained,
            unexpected=self.unexpected.append,
            now=lambda: now,
        )

    def _changed(self) -> None:
        self.changes += 1

    async def _reconciled(self) -> None:
        self.reconciled += 1

    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.events]

    def play(self, *acts: Callable[[], object], pause_s: float = 0.15) -> None:
        """Run the watch, and between pauses these acts."""

        async def both() -> None:
            running = asyncio.ensure_future(self.watch.run())
            for act in acts:
                act()
                await asyncio.sleep(pause_s)
                assert not running.done(), running
            running.cancel()

        asyncio.run(both())


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_s99_started_event_is_ordered_and_its_end_is(scene: Scene) -> None:
    orders: list[Order] = []

    def says(*notices: Notice) -> Callable[[], object]:
        return lambda: (orders.append(scene.watch.order), setattr(scene.azure, "says", notices))

    scene.play(says(STARTED), says(), says())
    assert [{key.id for key in order.due} for order in orders] == [set(), {"a"}, set()]
    assert [order.certain for order in orders] == [False, True, True]
    assert scene.kinds() == [Kind.MAINTENANCE_STARTED, Kind.MAINTENANCE_ENDED]
    assert scene.azure.acknowledged == [], "it has started already"
    assert scene.changes >= 2


def test_s99_event_is_acknowledged_once_when_all_pairs_are_drained_for_it(scene: Scene) -> None:
    scene.drained = False
    scene.azure.says = (TO_COME,)
    acknowledged: list[list[str]] = []
    scene.play(
        lambda: None,
        lambda: (acknowledged.append(list(scene.azure.acknowledged)), setattr(scene, "drained", True)),
        lambda: None,
    )
    assert acknowledged == [[]] and scene.azure.acknowledged == ["b"] and scene.reconciled >= 2
    assert scene.kinds() == [Kind.MAINTENANCE_SCHEDULED, Kind.MAINTENANCE_ACKNOWLEDGED]


def test_s99_event_is_not_acknowledged_before_it_is_due_or_without_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for policy in (replace(AZURE, lead_s=10.0), replace(AZURE, acknowledge=False)):
        scene = Scene(monkeypatch, policy)
        scene.azure.says = (TO_COME,)
        scene.play(lambda: None)
        assert scene.azure.acknowledged == [] and scene.kinds() == [Kind.MAINTENANCE_SCHEDULED]


def test_s99_acknowledging_that_fails_is_reported_once_and_tried_again(scene: Scene) -> None:
    scene.azure.says, scene.azure.fails_to_acknowledge = (TO_COME,), True
    scene.play(lambda: None, lambda: setattr(scene.azure, "fails_to_acknowledge", False), pause_s=0.3)
    assert scene.azure.acknowledged == ["b"]
    assert scene.kinds().count(Kind.REFUSED) == 1


def test_s99_source_that_fails_is_a_warning_once_and_what_is_due_stays_due(scene: Scene) -> None:
    gone = NoticesUnavailable("cannot read", "it answered 500")
    scene.azure.says = (STARTED,)
    up: list[dict[str, bool]] = []
    note = lambda: up.append(dict(scene.stats.figures().maintenance_sources))  # noqa: E731
    scene.play(lambda: None, lambda: (note(), setattr(scene.azure, "says", gone)), note, pause_s=0.3)
    assert {key.id for key in scene.watch.order.due} == {"a"}
    assert up == [{"azure": True}, {"azure": False}] and scene.stats.figures().maintenance_pending == 1
    (warning,) = (event for event in scene.events if event.kind is Kind.REFUSED)
    assert warning.severity is Severity.WARNING
    assert warning.text == "cannot read: it answered 500; drains are left as they are"


def test_s99_unexpected_error_of_one_source_is_reported_once_and_the_other_source_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "maintenance.json"
    scene = Scene(monkeypatch, replace(AZURE, file=path))
    broken = TypeError("unhashable type: 'list'")
    scene.azure.says = broken

    def announced() -> None:
        path.write_text('{"events": [{"id": "c"}]}')
        path.chmod(0o644)

    scene.play(lambda: None, announced, path.unlink, lambda: setattr(scene.azure, "says", (STARTED,)))
    assert scene.unexpected == [broken]
    assert scene.kinds() == [Kind.MAINTENANCE_STARTED, Kind.MAINTENANCE_ENDED, Kind.MAINTENANCE_STARTED]


def test_s99_other_policy_takes_effect_and_another_source_is_asked_anew(scene: Scene) -> None:
    scene.azure.says = (STARTED,)
    hung = NoticesUnavailable("cannot read", "no answer")
    orders: list[Order] = []

    def moved() -> None:
        scene.azure.says = hung
        scene.watch.configure(replace(AZURE, endpoint=Endpoint("192.0.2.1")))

    def off() -> None:
        orders.append(scene.watch.order)
        scene.watch.configure(MaintenancePolicy())

    scene.play(lambda: None, moved, off)
    assert orders == [Order()], "what it said is forgotten; drains stay until the new one has answered"
    assert scene.watch.order == Order(certain=True)
    assert scene.stats.figures().maintenance_sources == {}


def test_s99_file_is_read_and_its_thread_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "maintenance.json"
    scene = Scene(monkeypatch, MaintenancePolicy(file=path, interval_s=0.01))
    path.write_text('{"events": [{"id": "c"}]}')
    path.chmod(0o644)
    scene.play(lambda: None, path.unlink)
    assert scene.kinds() == [Kind.MAINTENANCE_STARTED, Kind.MAINTENANCE_ENDED]


def test_s99_same_problem_is_reported_again_only_after_a_long_time_without_it() -> None:
    health, error = SourceHealth(), NoticesUnavailable("cannot read", "it answered 500")
    assert health.fails(Source.AZURE, error) is not None
    for now in (10.0, 10.0 + QUIET_S - 1):
        health.works(Source.AZURE, now)
    assert health.fails(Source.AZURE, error) is None
    for now in (1000.0, 1000.0 + QUIET_S):
        health.works(Source.AZURE, now)
    assert health.fails(Source.AZURE, error) is not None
    assert health.fails(Source.FILE, error) is not None, "each source by itself"


def test_s99_problems_that_differ_each_time_are_not_reported_for_ever() -> None:
    health = SourceHealth()
    reported = [health.fails(Source.FILE, NoticesUnavailable("x", str(number))) for number in range(100)]
    assert len(list(filter(None, reported))) == 16
