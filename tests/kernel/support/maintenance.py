# SPDX-License-Identifier: GPL-2.0-only
"""A manager with sources of maintenance notices: the metadata service at Azure's own address, and a file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

from netvsc_bpf import datapath
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.running_manager import RunningManager
from netvsc_bpf.model.drain import DrainedBy
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import Manager, ip, nic
from tests.kernel.support.metadata_service import MetadataService, listening_on, served
from tests.kernel.support.waiting import eventually

ADDRESS, PORT = "169.254.169.254", 80
SETTLED = ("--settle", "100")


@contextmanager
def metadata_service(lab: Lab) -> Iterator[MetadataService]:
    """The service in the guest, where the manager looks for it without configuration."""
    ip(lab, "link", "set", "lo", "up")
    ip(lab, "address", "add", f"{ADDRESS}/32", "dev", "lo")
    with served(MetadataService(), lab.in_guest(listening_on, ADDRESS, PORT)) as service:
        yield service


def configured(folder: FilePath, **maintenance: Any) -> tuple[str, str]:
    """Write a configuration with these keys of [maintenance]; return the options that name it."""
    path = folder / "manager.toml"
    keys = {"interval_s": 0.2, "lead_s": 2, **maintenance}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in keys.items())
    path.write_text(f"[attach]\nany_bus = true\n\n[maintenance]\n{lines}")
    return "--config", str(path)


def drain(lab: Lab, why: str = "by hand") -> None:
    """As the command does it, beside a manager."""
    assert lab.in_guest(lambda: datapath.drain("eth0", None, why, RunningManager())) == []


def undrain(lab: Lab) -> None:
    assert lab.in_guest(lambda: datapath.undrain("eth0", RunningManager())) == []


def vf_is_up(lab: Lab) -> bool:
    vf0 = nic(lab, "vf0")
    assert vf0 is not None
    return vf0.up


def wait_drained(manager: Manager, by: DrainedBy = DrainedBy.MAINTENANCE) -> None:
    """Return once both directions have left the VF."""
    manager.wait_path(Path.SYNTHETIC, Reason.DRAINED)
    eventually("the VF is down", lambda: not vf_is_up(manager.lab))
    drained = manager.status.drained
    assert drained is not None and drained.by is by


def polled(service: MetadataService, times: int = 2) -> None:
    """Return once the manager has read the events as they are now."""
    before = len(service.requests)
    eventually("the service is asked again", lambda: len(service.requests) >= before + times)
