# SPDX-License-Identifier: GPL-2.0-only
"""What a turn puts off while something else waits, and from when it counts."""

import math
import time
from typing import Any, cast

import pytest

from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.namespaces import deferrable_work
from netvsc_bpf.manager.namespaces.namespace_manager import NamespaceManager
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.config import ManagerConfig
from tests.unit.manager.turning import Pins, turn


class Turning:
    """A per-namespace manager with the test's work. `woken`: something new comes during each turn."""

    def __init__(self, *, woken: bool) -> None:
        reporter = Reporter(lambda event: None)
        self.manager = NamespaceManager(
            ManagerConfig(), lambda event: None, reporter, UnexpectedErrors(reporter)
        )
        self.pins, self.lists, self.woken = Pins(), 0, woken
        self.manager._reconcile = cast(Any, self.reconcile)
        self.manager._lists = cast(Any, self.read_lists)
        self.manager._vlans = self.manager._offloads = cast(Any, lambda: None)

    def reconcile(self) -> float | None:
        if self.woken:
            self.manager.wake()
        return None

    def read_lists(self) -> None:
        self.lists += 1

    def turn(self, times: int = 1) -> float | None:
        return turn(self.manager, times, self.pins)


def test_lists_and_pins_are_read_when_nothing_else_waits() -> None:
    turning = Turning(woken=False)
    turning.turn(3)
    assert (turning.lists, turning.pins.followed) == (1, 1), "and not again until something has happened"


def test_lists_and_pins_wait_while_something_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferrable_work, "_PUT_OFF_S", math.inf)
    turning = Turning(woken=True)
    turning.turn(3)
    assert (turning.lists, turning.pins.followed) == (0, 0)
    turning.woken = False
    turning.turn()
    assert (turning.lists, turning.pins.followed) == (1, 1)


def test_lists_and_pins_do_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferrable_work, "_PUT_OFF_S", 0.0)
    turning = Turning(woken=True)
    turning.turn()
    assert (turning.lists, turning.pins.followed) == (1, 1), "in one turn, once it is time"


def test_waiting_time_counts_from_when_it_was_said() -> None:
    turning, moments = Turning(woken=False), []

    def reconcile() -> float:
        moments.append(time.monotonic())  # the clock of asyncio's loops
        return 50.0

    def read_lists() -> None:
        moments.append(time.monotonic())
        time.sleep(0.01)

    turning.manager._reconcile = cast(Any, reconcile)
    turning.manager._lists = cast(Any, read_lists)
    at = turning.turn()
    said, later = moments
    assert at is not None and said + 50.0 <= at <= later + 50.0, (
        "what the turn does afterwards is no part of it"
    )
