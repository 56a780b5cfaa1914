# SPDX-License-Identifier: GPL-2.0-only
"""Whether the driver notifies its host of a path change, so that nothing has to be announced."""

from pathlib import Path

import pytest

from netvsc_bpf.kernel.net.upper_devices import Link
from netvsc_bpf.manager.state.attached_pairs import AttachedPair
from netvsc_bpf.manager.sync import announcer
from netvsc_bpf.manager.sync.announcer import enslaved_by_driver

MAC = bytes.fromhex("00155d010203")


def link(ifindex: int, *, master: int | None = None, parent: tuple[str, str] | None = None) -> Link:
    return Link(
        ifindex, f"eth{ifindex}", MAC, up=True, uses_arp=True, carrier=True, master=master, parent=parent
    )


@pytest.mark.parametrize(
    ("driver", "master", "notifies"),
    [("hv_netvsc", 2, True), ("hv_netvsc", None, False), ("virtio_net", 2, False)],
    ids=["enslaved", "s105-apart", "other-driver"],
)
def test_hv_netvsc_notifies_its_host_of_the_vf_that_it_enslaved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str, master: int | None, notifies: bool
) -> None:
    monkeypatch.setattr(announcer, "_SYSFS", tmp_path)
    device = tmp_path / "bus" / "vmbus" / "devices" / "nic"
    device.mkdir(parents=True)
    (device / "driver").symlink_to(f"../../drivers/{driver}")
    pair = AttachedPair(link(2, parent=("vmbus", "nic")), link(3, master=master), armed=True, changed_at=1)
    assert enslaved_by_driver(pair) is notifies


def test_pair_without_vf_or_parent_has_no_driver_that_notifies() -> None:
    assert not enslaved_by_driver(AttachedPair(link(2), None, armed=False, changed_at=1))
    assert not enslaved_by_driver(AttachedPair(link(2), link(3, master=2), armed=False, changed_at=1))
