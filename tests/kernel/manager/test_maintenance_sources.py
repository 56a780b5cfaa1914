# SPDX-License-Identifier: GPL-2.0-only
"""A source of maintenance notices that is slow, wrong or gone harms nothing; a file serves other clouds."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.manager.conftest import Start
from tests.kernel.support.maintenance import SETTLED, configured, metadata_service, polled, wait_drained
from tests.kernel.support.manager import Manager
from tests.kernel.support.metadata_service import MetadataService
from tests.kernel.support.pod import Pod, pods
from tests.kernel.support.scraping import Scrape
from tests.kernel.support.waiting import eventually

Fault = Callable[[MetadataService], None]


@pytest.fixture
def azure(lab: Lab) -> Iterator[MetadataService]:
    with metadata_service(lab) as service:
        yield service


@pytest.fixture
def pod(lab: Lab) -> Iterator[Pod]:
    with pods(lab) as make:
        yield make()


def status(code: int) -> Fault:
    return lambda service: setattr(service, "status", code)


def answers(raw: bytes) -> Fault:
    return lambda service: setattr(service, "raw", raw)


def sends(wire: bytes) -> Fault:
    return lambda service: setattr(service, "wire", wire)


FAULTS: dict[str, Fault] = {
    "500": status(500),
    "not-json": answers(b"<html>sign in to this network</html>"),
    "half-an-event": answers(
        b'{"DocumentIncarnation": 1, "Events": [{"EventType": "Freeze", "Resources": ["vm-1"]}]}'
    ),
    "no-http": sends(b""),
}
"""One of each class; test_metadata_http.py has more."""


def mended(service: MetadataService) -> None:
    service.status = service.raw = service.wire = None


def problems(manager: Manager) -> list[str]:
    return [event["text"] for event in manager.events if event["severity"] != "info"]


@pytest.mark.parametrize("fault", FAULTS)
def test_s99_service_that_is_wrong_drains_nothing_undrains_nothing_and_is_reported_once(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath, fault: str
) -> None:
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True))
    manager.wait_vf()
    polled(azure)
    FAULTS[fault](azure)
    manager.wait_event("refused", "drains are left as they are")
    time.sleep(1.0)
    assert manager.where == (Path.VF, Reason.ARMED)
    mended(azure)
    azure.schedule("one", 0)
    wait_drained(manager)
    FAULTS[fault](azure)
    time.sleep(2.0)
    wait_drained(manager)
    mended(azure)
    azure.finish("one")
    manager.wait_vf()
    assert len(problems(manager)) == 1


def test_s99_known_event_drains_though_the_service_is_gone_by_then(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True))
    manager.wait_vf()
    azure.schedule("one", 4)
    manager.wait_event("maintenance-scheduled")
    azure.wire = b""
    wait_drained(manager)
    assert not manager.events_of("maintenance-started")


def test_s99_slow_first_answer_delays_neither_the_data_path_nor_the_end_of_the_manager(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    azure.delay_s = 100.0
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True))
    manager.wait_vf()
    begun = time.monotonic()
    assert manager.stop() == 0
    assert time.monotonic() - begun < 5 and problems(manager) == []


def test_s99_service_that_is_not_there_is_reported_once(lab: Lab, start: Start, tmp_path: FilePath) -> None:
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True))
    manager.wait_vf()
    manager.wait_event("refused", "cannot read maintenance notices of http://169.254.169.254: ")
    time.sleep(1.0)
    assert len(problems(manager)) == 1 and manager.where == (Path.VF, Reason.ARMED)


def write(path: FilePath, *events: object) -> None:
    """Replace the file at once, as the documents ask for."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"events": events}))
    new.chmod(0o644)
    new.rename(path)


def test_s99_file_of_events_drains_and_undrains_without_azure(
    lab: Lab, start: Start, tmp_path: FilePath
) -> None:
    path = tmp_path / "maintenance.json"
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, file=str(path)))
    manager.wait_vf()
    write(path, {"id": "migration-1", "why": "live migration"})
    assert manager.wait_event("maintenance-started")["maintenance"] == "migration-1"
    wait_drained(manager)
    assert manager.status.drained is not None and "live migration" in manager.status.drained.why
    path.write_text('{"events": [')
    manager.wait_event("refused", "it is not JSON; drains are left as they are")
    wait_drained(manager)
    path.unlink()
    manager.wait_event("maintenance-ended", "migration-1")
    manager.wait_vf()
    path.write_text("no drain")
    time.sleep(1.0)
    assert manager.where == (Path.VF, Reason.ARMED)
    assert len(problems(manager)) == 1, "it did not work for long enough to be reported again"


@pytest.mark.parametrize("wrong", ["fifo", "folder", "writable"])
def test_s99_file_that_others_may_write_or_that_is_none_is_refused(
    lab: Lab, start: Start, tmp_path: FilePath, wrong: str
) -> None:
    path = tmp_path / "maintenance.json"
    match wrong:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "writable":
            write(path, {"id": "one"})
            path.chmod(0o666)
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, file=str(path)))
    manager.wait_vf()
    manager.wait_event("refused", f"cannot use {path}: ")
    time.sleep(1.0)
    assert manager.where == (Path.VF, Reason.ARMED)


def test_s99_reload_turns_it_on_and_off(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    azure.schedule("one", 0)
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=False))
    manager.wait_vf()
    configured(tmp_path, azure=True)
    manager.process.send_signal(signal.SIGHUP)
    manager.wait_event("reloaded", "maintenance.azure true instead of false")
    wait_drained(manager)
    configured(tmp_path, azure=False)
    manager.process.send_signal(signal.SIGHUP)
    manager.wait_event("undrained", "the maintenance is over")
    manager.wait_vf()


def test_s99_pair_that_moved_to_another_namespace_is_drained_there(
    lab: Lab, pod: Pod, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    manager = start(lab, "eth0", *SETTLED, *configured(tmp_path, azure=True, acknowledge=True, lead_s=3600))
    manager.wait_vf()
    azure.schedule("one", 1000)
    manager.wait_event("maintenance-acknowledged", "one")
    pod.take()
    pod.wait_path(Path.SYNTHETIC, Reason.DRAINED)
    azure.finish("one")
    pod.wait_path(Path.VF)


def test_s99_metrics_show_what_is_pending_and_whether_the_sources_work(
    lab: Lab, azure: MetadataService, start: Start, tmp_path: FilePath
) -> None:
    options = ("--metrics-listen", "127.0.0.1:9855", *configured(tmp_path, azure=True))
    manager = start(lab, "eth0", *SETTLED, *options)
    manager.wait_vf()

    def scraped() -> tuple[float | None, float | None]:
        got = Scrape(lab.run(lab.guest, ["curl", "-s", "http://127.0.0.1:9855/metrics"]).stdout)
        return got.value("maintenance_pending"), got.value("maintenance_source_up", source="azure")

    eventually("the first answer", lambda: scraped() == (0, 1))
    azure.schedule("one", 3600)
    azure.schedule("two", 0)
    eventually("two events", lambda: scraped() == (2, 1))
    azure.status = 500
    eventually("it is gone", lambda: scraped() == (2, 0))
    manager.stop()
    lab.in_guest(datapath.detach_all)
