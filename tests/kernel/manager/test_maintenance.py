# SPDX-License-Identifier: GPL-2.0-only
"""Maintenance that Azure announces: drained before it, undrained after, and an operator's drains stay."""

import re
import time
from collections.abc import Iterator
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.drain import DrainedBy
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.manager.conftest import Start
from tests.kernel.support.maintenance import (
    SETTLED,
    configured,
    drain,
    metadata_service,
    polled,
    undrain,
    wait_drained,
)
from tests.kernel.support.metadata_service import MetadataService
from tests.kernel.switching.test_draining import some_more, streams

FAR_S = 3600.0


@pytest.fixture
def azure(lab: Lab) -> Iterator[MetadataService]:
    with metadata_service(lab) as service:
        yield service


def test_s99_pair_is_drained_before_maintenance_and_undrained_after_it(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True))
    manager.wait_vf()
    with streams(lab) as flows:
        begun = time.time()
        azure.schedule("freeze-1", in_s=5)
        announced = manager.wait_event("maintenance-scheduled", "not before")
        assert (announced["maintenance"], announced["interface"]) == ("freeze-1", "manager")
        assert re.search(r"not before [0-9-]+ [0-9:]+[+-]\d\d:\d\d;", announced["text"]), "local, with offset"
        assert manager.where == (Path.VF, Reason.ARMED)
        wait_drained(manager)
        assert begun + 2 < time.time(), "lead_s is 2"
        reported = manager.wait_event("drained", "until the maintenance is over")
        assert reported["by"] == "maintenance" and "Freeze" in reported["why"]
        manager.wait_event("maintenance-started")
        some_more(flows)
        wait_drained(manager)
        azure.finish("freeze-1")
        manager.wait_event("maintenance-ended")
        manager.wait_event("undrained", "the maintenance is over")
        manager.wait_vf()
    assert manager.status.drained is None
    assert azure.refused == [] and azure.acknowledged == []
    assert {event["severity"] for event in manager.events} == {"info"}
    assert len(manager.events_of("drained")) == 1


def test_s99_event_is_acknowledged_only_if_configured_and_only_once_drained(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True, acknowledge=True, lead_s=FAR_S))
    manager.wait_vf()
    azure.schedule("reboot-1", FAR_S / 2, "Reboot")
    manager.wait_event("maintenance-acknowledged", "reboot-1")
    assert azure.acknowledged == ["reboot-1"], "once"
    wait_drained(manager)
    kinds = [event["event"] for event in manager.events]
    assert kinds.index("followed", kinds.index("drained")) < kinds.index("maintenance-acknowledged")
    manager.wait_event("maintenance-started")
    azure.finish("reboot-1")
    manager.wait_vf()


@pytest.mark.parametrize(
    ("kind", "mine"), [("Freeze", False), ("Terminate", True), ("Preempt", True)], ids=str
)
def test_s99_event_for_another_vm_or_for_the_end_of_this_one_drains_nothing(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath, kind: str, mine: bool
) -> None:
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True, acknowledge=True))
    manager.wait_vf()
    azure.schedule("other", 0, kind, "vm-2", mine=mine)
    polled(azure, 3)
    assert manager.where == (Path.VF, Reason.ARMED)
    assert not manager.events_of("maintenance-started") and azure.acknowledged == []


def test_s99_drain_of_an_operator_outlives_the_maintenance(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True))
    manager.wait_vf()
    drain(lab)
    for event, again in (("before", False), ("after", True)):
        if again:
            undrain(lab)
            manager.wait_vf()
        azure.schedule(event, 0)
        manager.wait_event("maintenance-started", event)
        if again:  # drained for the maintenance at first
            wait_drained(manager)
            drain(lab)
        azure.finish(event)
        manager.wait_event("maintenance-ended", event)
        polled(azure)
        wait_drained(manager, DrainedBy.OPERATOR)
    undrain(lab)
    manager.wait_vf()


def test_s99_operator_who_undrains_has_the_last_word_until_the_next_event(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True))
    manager.wait_vf()
    azure.schedule("one", 0)
    wait_drained(manager)
    undrain(lab)
    manager.wait_vf()
    polled(azure, 3)
    assert manager.where == (Path.VF, Reason.ARMED)
    azure.schedule("two", 0)
    wait_drained(manager)
    azure.finish("one")
    polled(azure)
    wait_drained(manager)
    azure.finish("two")
    manager.wait_vf()


@pytest.mark.parametrize("over", [False, True], ids=["not-over", "over"])
def test_s99_next_manager_ends_what_a_killed_one_began(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath, over: bool
) -> None:
    options = (*SETTLED, *configured(tmp_path, azure=True))
    first = start(lab, "eth0", *options)
    first.wait_vf()
    azure.schedule("one", 0)
    wait_drained(first)
    first.kill()
    if over:
        azure.finish("one")
    azure.delay_s = 2.0
    second = start(lab, "eth0", *options)
    second.wait_event("drained", "until the maintenance is over")
    wait_drained(second)
    if not over:
        second.wait_event("maintenance-started")
        polled(azure)
        wait_drained(second)
        azure.finish("one")
    second.wait_event("undrained", "the maintenance is over")
    second.wait_vf()


def test_s99_manager_without_maintenance_ends_what_an_earlier_one_began(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    first = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True))
    first.wait_vf()
    azure.schedule("one", 0)
    wait_drained(first)
    first.kill()
    second = start(lab, "eth0", *SETTLED)
    second.wait_event("undrained", "the maintenance is over")
    second.wait_vf()
