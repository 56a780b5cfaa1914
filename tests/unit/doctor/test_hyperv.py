# SPDX-License-Identifier: GPL-2.0-only
"""What doctor says on Hyper-V: is a VF offered, bound, enslaved, and by which path does the host deliver."""

from dataclasses import replace
from pathlib import Path

import pytest

from netvsc_bpf.discovery.hyperv_offers import Function, Offer, offers
from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.hyperv import check_double_qdiscs, check_offered, check_path_of_host
from netvsc_bpf.kernel.net.qdiscs import ROOT, Qdisc
from netvsc_bpf.model.nic import Pair
from tests.unit.discovery.shapes import NETVSC, VF, add_device

GUID = "8bb5e2f0-0001-0000-0000-000000000000"
ADDRESS = "8bb5:00:02.0"
NO_VF = Pair(NETVSC, None)
MANA = Function(ADDRESS, 0x1414, 0x00BA, None)


THERE = replace(MANA, driver="mana", interfaces=("enP35765s1",))


def offer(
    sysfs: Path, driver: str | None = "hv_pci", *, kind: str = "0x020000", bound: str | None = None
) -> None:
    """Put a PCI function that a host offers where sysfs of an Azure VM shows it."""
    add_device(sysfs, "vmbus", GUID, driver)
    device = sysfs / "bus/vmbus/devices" / GUID
    (device / "class_id").write_text("{44c4f61d-4444-4400-9d52-802e27ede19f}\n")
    if driver is not None:
        function = device / "pci8bb5:00" / ADDRESS
        function.mkdir(parents=True)
        for name, text in (("class", kind), ("vendor", "0x1414"), ("device", "0x00ba")):
            (function / name).write_text(text + "\n")
        add_device(sysfs, "pci", ADDRESS, bound)


def test_network_function_of_the_host_is_found_with_its_driver(tmp_path: Path) -> None:
    offer(tmp_path, bound="mana")
    (tmp_path / "bus/vmbus/devices" / GUID / "pci8bb5:00" / ADDRESS / "net/enP35765s1").mkdir(parents=True)
    assert offers(tmp_path) == [Offer(GUID, "hv_pci", (THERE,))]


@pytest.mark.parametrize("kind", ["0x010802", "0x020700"], ids=["disk", "infiniband"])
def test_other_function_of_the_host_is_no_vf(tmp_path: Path, kind: str) -> None:
    offer(tmp_path, kind=kind, bound="nvme")
    assert offers(tmp_path) == [Offer(GUID, "hv_pci", ())]


def test_synthetic_nic_itself_is_no_offer(tmp_path: Path) -> None:
    add_device(tmp_path, "vmbus", GUID, "hv_netvsc")
    (tmp_path / "bus/vmbus/devices" / GUID / "class_id").write_text(
        "{f8615163-df3e-46c5-913f-f2d2f965ed0e}\n"
    )
    assert offers(tmp_path) == []


def test_other_hypervisors_offer_nothing(tmp_path: Path) -> None:
    assert offers(tmp_path) == []


@pytest.mark.parametrize(
    ("offered", "what", "remedy"),
    [
        (
            [],
            "the host offers no VF for eth0: accelerated networking (SR-IOV) is off",
            "--accelerated-networking true",
        ),
        ([Offer(GUID, None, ())], f"VMBus device {GUID}, offered by the host", "`modprobe pci-hyperv`"),
        (
            [Offer(GUID, "hv_pci", (replace(MANA, driver="vfio-pci"),))],
            "driver vfio-pci, has no interface",
            "dmesg",
        ),
        (
            [Offer(GUID, "hv_pci", (Function(ADDRESS, 0x15B3, 0x1004, "mlx4_core"),))],
            "no interface",
            "mlx4_en",
        ),
        (
            [Offer(GUID, "hv_pci", (MANA,))],
            f"PCI function {ADDRESS} (1414:00ba) has no driver",
            "modprobe mana",
        ),
        (
            [Offer(GUID, "hv_pci", (Function(ADDRESS, 0x15B3, 0x1016, None),))],
            "15b3:1016",
            "modprobe mlx5_core",
        ),
        (
            [Offer(GUID, "hv_pci", (Function(ADDRESS, 0x15B3, 0x1004, None),))],
            "15b3:1004",
            "modprobe mlx4_en",
        ),
        (
            [Offer(GUID, "hv_pci", (Function(ADDRESS, 0x8086, 0x154C, None),))],
            "8086:154c",
            f"{ADDRESS}/modalias",
        ),
    ],
    ids=["off", "pci-hyperv", "vfio", "mlx4_core", "mana", "mlx5", "mlx4", "other"],
)
def test_where_the_way_to_a_vf_ends_and_what_helps(offered: list[Offer], what: str, remedy: str) -> None:
    found = check_offered(NO_VF, offered)
    assert found.level is Level.WARNING and what in found.what
    assert found.remedy is not None and remedy in found.remedy


def test_vf_of_another_nic_does_not_hide_that_this_one_has_none() -> None:
    found = check_offered(NO_VF, [Offer(GUID, "hv_pci", (THERE,))])
    assert found.what.startswith("the host offers no VF for eth0 (1 present, with other MACs): accelerated")


@pytest.mark.parametrize(("up", "by"), [(True, VF.name), (False, "eth0")])
def test_host_delivers_by_the_vf_that_the_driver_enslaved_while_it_is_up(up: bool, by: str) -> None:
    vf = replace(VF, master=NETVSC.ifindex, up=up)
    assert check_path_of_host(Pair(NETVSC, vf), vf).what.startswith(f"the host delivers to {by}, because")


def test_s105_vf_that_the_driver_did_not_enslave_is_announced_by_run() -> None:
    found = check_path_of_host(Pair(NETVSC, VF), VF)
    assert "hv_netvsc did not enslave" in found.what and found.level is Level.OK


def test_driver_alone_queues_twice() -> None:
    mq, fq = [Qdisc("mq", 0, ROOT)], [Qdisc("fq", 0, ROOT)]
    pair = Pair(NETVSC, replace(VF, master=NETVSC.ifindex))
    found = check_double_qdiscs(pair, mq, fq)
    assert found is not None and f"the mq of eth0 and the fq of {VF.name}" in found.what
    assert check_double_qdiscs(pair, mq, [Qdisc("noqueue", 0, ROOT)]) is None
    assert check_double_qdiscs(Pair(NETVSC, VF), mq, fq) is None, (
        "it sends nothing by a VF that it left alone"
    )
