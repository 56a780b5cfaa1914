# SPDX-License-Identifier: GPL-2.0-only
"""Whose driver tells its host itself."""

from pathlib import Path

import pytest

from netvsc_bpf.kernel.speakers import Link
from netvsc_bpf.manager import announcer
from netvsc_bpf.manager.announcer import told_by_its_driver

MAC = bytes.fromhex("00155d010203")


@pytest.mark.parametrize(("driver", "told"), [("hv_netvsc", True), ("virtio_net", False)])
def test_hv_netvsc_tells_its_host_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str, told: bool
) -> None:
    monkeypatch.setattr(announcer, "_SYSFS", tmp_path)
    device = tmp_path / "bus" / "vmbus" / "devices" / "nic"
    device.mkdir(parents=True)
    (device / "driver").symlink_to(f"../../drivers/{driver}")
    nic = Link(2, "eth0", MAC, up=True, speaks=True, carrier=True, parent=("vmbus", "nic"))
    assert told_by_its_driver(nic) is told


def test_a_device_without_parent_has_no_host() -> None:
    assert not told_by_its_driver(Link(2, "eth0", MAC, up=True, speaks=True, carrier=True))
