# SPDX-License-Identifier: GPL-2.0-only
"""Drivers and slot serials from sysfs trees of the shapes that were seen."""

import errno
import os
from pathlib import Path

import pytest

from netvsc_bpf.discovery.sysfs import driver_of, slot_address, slot_serials
from tests.unit.discovery.shapes import ETH0_GUID, add_device, add_slot


def test_driver_is_the_name_that_the_link_ends_in(tmp_path: Path) -> None:
    add_device(tmp_path, "vmbus", ETH0_GUID, "hv_netvsc")
    assert driver_of(tmp_path, "vmbus", ETH0_GUID) == "hv_netvsc"


def test_unbound_device_has_no_driver(tmp_path: Path) -> None:
    add_device(tmp_path, "pci", "7c4b:00:02.0", None)
    assert driver_of(tmp_path, "pci", "7c4b:00:02.0") is None


def test_device_unplugged_since_the_dump_has_no_driver(tmp_path: Path) -> None:
    assert driver_of(tmp_path, "pci", "7c4b:00:02.0") is None


def test_slot_of_a_pci_function_leaves_the_function_out() -> None:
    assert slot_address("7c4b:00:02.0") == "7c4b:00:02"


def test_azure_slot_is_named_by_the_serial_of_the_host(tmp_path: Path) -> None:
    add_slot(tmp_path, "1", "7c4b:00:02")
    assert slot_serials(tmp_path) == {"7c4b:00:02": 1}


@pytest.mark.parametrize("name", ["1-1", "PCIe-3", "0x1", "+1", "\u0661", "4294967296"])
def test_slot_name_that_kstrtou32_would_refuse_is_no_serial(tmp_path: Path, name: str) -> None:
    add_slot(tmp_path, name, "7c4b:00:02")
    assert slot_serials(tmp_path) == {}


def test_slot_that_vanished_while_reading_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "bus/pci/slots/1").mkdir(parents=True)
    add_slot(tmp_path, "2", "7c4c:00:02")
    assert slot_serials(tmp_path) == {"7c4c:00:02": 2}


def test_machine_without_pci_has_no_slots(tmp_path: Path) -> None:
    assert slot_serials(tmp_path) == {}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EINTR])
def test_s93_transient_failure_is_not_taken_for_absence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Without its serial a VF of hv_netvsc would be paired by its MAC alone, or not at all."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    for name in ("readlink", "iterdir"):
        monkeypatch.setattr(Path, name, fail)
    with pytest.raises(OSError, match=os.strerror(number)):
        driver_of(tmp_path, "pci", "0000:00:02.0")
    with pytest.raises(OSError, match=os.strerror(number)):
        slot_serials(tmp_path)
