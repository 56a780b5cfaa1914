# SPDX-License-Identifier: GPL-2.0-only
"""When the manager changes programs: for those that it finds, once; for a lost sentinel, each time."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netvsc_bpf.datapath.upgrade import Upgraded
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.manager.reconcile import upgrade
from netvsc_bpf.manager.reconcile.upgrade import Upgrader
from netvsc_bpf.model.errors import CompileError


@pytest.fixture
def session(bpffs: Path) -> Any:
    pins = NetnsPins(1, bpffs)
    pins.home.mkdir()
    return SimpleNamespace(pins=pins)


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the object has, and what comes of an upgrade."""
    state: dict[str, Any] = {"build": 1, "ours": 2, "fails": False, "tries": 0}

    def upgraded(session: Any, loaded: Any) -> Upgraded | None:
        state["tries"] += 1
        if state["fails"]:
            raise CompileError("cannot compile", "no compiler")
        before, state["build"] = state["build"], state["ours"]
        lost, LOADED.lost_sentinel = LOADED.lost_sentinel, ()
        return Upgraded(before, state["build"], lost) if lost or before != state["build"] else None

    monkeypatch.setattr(upgrade, "is_of_another_build", lambda loaded: state["build"] != state["ours"])
    monkeypatch.setattr(upgrade, "upgrade", upgraded)
    return state


LOADED: Any = SimpleNamespace(lost_sentinel=())


def test_other_programs_are_due_once(session: Any, builds: dict[str, Any]) -> None:
    ours = Upgrader()
    assert ours.due(session, LOADED, 0.0)
    assert ours(session, LOADED, 0.0) == Upgraded(1, 2)
    builds["build"] = 3  # somebody attached with another version
    assert not ours.due(session, LOADED, 1.0)
    assert ours(session, LOADED, 1.0) is None
    assert ours.wait_s(1.0) is None


def test_own_programs_are_never_due(session: Any, builds: dict[str, Any]) -> None:
    builds["build"] = 2
    ours = Upgrader()
    assert not ours.due(session, LOADED, 0.0)
    builds["build"] = 1
    assert not ours.due(session, LOADED, 0.0)


def test_nothing_loaded_is_nothing_to_change(session: Any, builds: dict[str, Any]) -> None:
    assert not Upgrader().due(session, None, 0.0)


def test_failure_is_tried_again_later_and_later(session: Any, builds: dict[str, Any]) -> None:
    builds["fails"] = True
    ours, now, waits = Upgrader(), 100.0, []
    for _ in range(5):
        assert ours.due(session, LOADED, now)
        with pytest.raises(CompileError):
            ours(session, LOADED, now)
        assert not ours.due(session, LOADED, now)
        wait = ours.wait_s(now)
        assert wait is not None
        waits.append(wait)
        now += wait
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, 600.0)
    builds["fails"] = False
    assert ours(session, LOADED, now) == Upgraded(1, 2)


def test_lost_sentinel_is_due_each_time_but_not_at_once(session: Any, builds: dict[str, Any]) -> None:
    builds["build"] = 2
    ours = Upgrader()
    assert not ours.due(session, LOADED, 0.0)
    for now in (0.0, 1.0, 2.0):
        LOADED.lost_sentinel = ("netif_carrier_off",)
        assert ours.due(session, LOADED, now)
        assert ours(session, LOADED, now) == Upgraded(2, 2, ("netif_carrier_off",))
        LOADED.lost_sentinel = ("netif_carrier_off",)
        assert not ours.due(session, LOADED, now + 0.5)
        assert ours(session, LOADED, now + 0.5) is None
        assert ours.wait_s(now + 0.5) == 0.5
    LOADED.lost_sentinel = ()
    assert not ours.due(session, LOADED, 3.0)
    assert ours.wait_s(3.0) is None


def test_interrupted_replacement_is_due_for_any_version(session: Any, builds: dict[str, Any]) -> None:
    builds["build"] = 2
    ours = Upgrader()
    assert not ours.due(session, LOADED, 0.0)
    session.pins.upgrading(7).mkdir()
    assert ours.due(session, LOADED, 0.0)
