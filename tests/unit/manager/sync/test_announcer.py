# SPDX-License-Identifier: GPL-2.0-only
"""Whether the driver notifies its host of a path change, so that nothing has to be announced."""

import asyncio
import time
from pathlib import Path

import pytest

from netvsc_bpf.kernel.net.upper_devices import Link
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.state.attached_pairs import AttachedPair
from netvsc_bpf.manager.sync import announcer
from netvsc_bpf.manager.sync.announcement_schedule import Schedule
from netvsc_bpf.manager.sync.announcer import Announcer, enslaved_by_driver
from tests.unit.manager.cancelling import ends

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


@pytest.mark.parametrize("steps", range(5))
def test_wait_that_is_over_at_the_moment_at_which_it_is_cancelled_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """SIGTERM comes with a change of path."""
    waiting = Announcer.__new__(Announcer)
    waiting._schedule, waiting._woken = Schedule(AnnouncePolicy()), asyncio.Event()
    monkeypatch.setattr(Schedule, "next_at", lambda _: time.monotonic() + 60.0)

    async def goes_on_for_ever() -> None:
        while True:
            await waiting._wait()

    assert ends(goes_on_for_ever, waiting._woken.set, steps)


def test_pair_without_vf_or_parent_has_no_driver_that_notifies() -> None:
    assert not enslaved_by_driver(AttachedPair(link(2), None, armed=False, changed_at=1))
    assert not enslaved_by_driver(AttachedPair(link(2), link(3, master=2), armed=False, changed_at=1))
