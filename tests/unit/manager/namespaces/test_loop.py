# SPDX-License-Identifier: GPL-2.0-only
"""The loop outlives whatever a turn ends with, and keeps silent about none of it."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from netvsc_bpf.manager.events.kinds import Detail, Event, Kind
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.namespaces.namespace_manager import NamespaceManager
from netvsc_bpf.manager.reconcile import unexpected_errors
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.errors import BpffsUnavailable
from tests.unit.manager.cancelling import ends
from tests.unit.manager.turning import turn


def turned(times: int, reconcile: Callable[[], float | None], **config: Any) -> list[Event]:
    """Turn with a reconciler of the test's; return what was reported."""
    reported: list[Event] = []
    reporter = Reporter(reported.append)
    manager = NamespaceManager(ManagerConfig(**config), reported.append, reporter, UnexpectedErrors(reporter))
    manager._reconcile = cast(Any, reconcile)
    turn(manager, times)
    return reported


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unexpected_errors, "TROUBLE_S", 0.0)


def test_unexpected_error_is_reported_with_its_traceback_counted_and_survived() -> None:
    def broken() -> float | None:
        raise ZeroDivisionError("unexpected")

    reported = [event for event in turned(3, broken) if event.interface == "manager"]
    assert [event.details[Detail.ERRORS] for event in reported] == [1, 2, 3]
    assert "in broken" in reported[0].text and "ZeroDivisionError: unexpected" in reported[0].text


def test_what_blocks_the_manager_is_reported_once_until_it_is_over() -> None:
    outcomes = iter([True, True, False, True])

    def now_and_then() -> float | None:
        if next(outcomes):
            raise BpffsUnavailable("/sys/fs/bpf", "no bpffs is mounted there")
        return None

    reported = [event.text for event in turned(4, now_and_then) if event.kind is Kind.FAILED]
    assert reported.count("/sys/fs/bpf: no bpffs is mounted there") == 2


def test_timeout_that_the_kernel_reports_is_an_error_and_no_hanging_step() -> None:
    def timed_out() -> float | None:
        raise TimeoutError(110, "ETIMEDOUT")

    reported = [event.text for event in turned(1, timed_out) if event.interface == "manager"]
    assert len(reported) == 1 and "ETIMEDOUT" in reported[0]


@pytest.mark.parametrize("steps", range(5))
def test_loop_that_is_woken_at_the_moment_at_which_it_is_cancelled_ends(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """`steps` of the event loop lie between: SIGTERM comes with a link event."""
    reporter = Reporter(lambda _: None)
    manager = NamespaceManager(ManagerConfig(), print, reporter, UnexpectedErrors(reporter))

    async def turn_of_nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(manager, "_turn", turn_of_nothing)

    async def loop() -> None:
        await manager._loop(asyncio.get_running_loop(), cast(Any, None), cast(Any, None))

    assert ends(loop, manager.wake, steps)


def test_work_beside_the_loop_is_started_again() -> None:
    reported: list[Event] = []
    runs = iter([True, True, False])

    async def work() -> None:
        if next(runs):
            raise KeyError("unexpected")

    asyncio.run(UnexpectedErrors(Reporter(reported.append)).keep_running(work))
    assert [event.details[Detail.ERRORS] for event in reported] == [1, 2]


def test_what_fails_in_a_turn_keeps_nothing_else_from_being_done() -> None:
    reported: list[Event] = []
    reporter, done = Reporter(reported.append), []
    manager = NamespaceManager(ManagerConfig(), reported.append, reporter, UnexpectedErrors(reporter))

    def fails(name: str) -> Callable[[], None]:
        def work() -> None:
            done.append(name)
            raise ZeroDivisionError(name)

        return work

    jobs = ("_reconcile", "_lists", "_vlans", "_offloads", "_moved_nics")
    for name in jobs:
        setattr(manager, name, fails(name))

    turn(manager)
    assert tuple(done) == jobs
    assert [name for name in jobs if any(name in event.text for event in reported)] == list(jobs)
