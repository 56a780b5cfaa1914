# SPDX-License-Identifier: GPL-2.0-only
"""What udev's record of an interface says (row 10, before udev itself)."""

from pathlib import Path

import pytest

from netvsc_bpf.kernel.net import udev

HERE = Path("/proc/thread-self/ns/net")


def test_s10_interface_is_udevs_until_its_record_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    record = tmp_path / "data/n7"
    assert udev.is_busy_with(7, tmp_path)
    record.write_text("E:ID_NET_DRIVER=igbvf\n")
    assert udev.is_busy_with(7, tmp_path)
    record.write_text("I:123456\nE:ID_RENAMING=1\n")
    assert udev.is_busy_with(7, tmp_path)
    record.write_text("I:123456\nE:ID_NET_DRIVER=igbvf\n")
    assert not udev.is_busy_with(7, tmp_path)


def test_s10_without_udev_there_is_no_wait(tmp_path: Path) -> None:
    assert not udev.serves_here(tmp_path, HERE)
    (tmp_path / "control").touch()
    assert udev.serves_here(tmp_path, HERE)
    assert not udev.serves_here(tmp_path, tmp_path), "another network namespace"


@pytest.mark.parametrize(
    ("release", "live"), [("6.1.0-56-amd64", False), ("6.2.1", True), ("6.12.9", True), ("odd", False)]
)
def test_s10_from_6_2_on_an_interface_that_is_up_can_be_renamed(release: str, live: bool) -> None:
    assert udev.renames_live(release) is live
