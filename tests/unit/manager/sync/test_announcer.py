# SPDX-License-Identifier: GPL-2.0-only
"""What is announced at once, and where the driver notifies its host, so that nothing has to be announced."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netvsc_bpf.kernel.net.announcement_round import Announcement
from netvsc_bpf.kernel.net.announcement_watch import Changes
from netvsc_bpf.kernel.net.upper_devices import Link
from netvsc_bpf.manager.events.kinds import Event
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.state.attached_pairs import AttachedPair, everyone
from netvsc_bpf.manager.sync import announcer
from netvsc_bpf.manager.sync.announcement_schedule import Schedule
from netvsc_bpf.manager.sync.announcer import Announcer, enslaved_by_driver
from tests.unit.kernel.net.stack_shapes import ETH0, by_ifindex
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


OWN, STATION = Announcement(2, b"own"), Announcement(2, b"station", bytes(6))


class Sockets:
    """Notes what is sent, and by which thread."""

    def __init__(self, *, own: bool, error: OSError | None = None) -> None:
        self.own, self.error = own, error
        self.sent: list[bytes] = []
        self.threads: set[str] = set()

    def changes(self, relevant: frozenset[int]) -> Changes:
        return Changes()

    @contextmanager
    def sending(self) -> Iterator["Sockets"]:
        yield self

    def send(self, ifindex: int, frame: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(frame)
        self.threads.add(threading.current_thread().name)


def ready(sockets: Sockets, events: list[Event], policy: AnnouncePolicy | None = None) -> Announcer:
    """An announcer that has read a round of pair 2."""
    made: Any = Announcer(policy or AnnouncePolicy(), everyone, events.append)
    made._sockets = sockets
    made._rounds.store(2, by_ifindex(ETH0), [OWN, STATION], time.monotonic())
    if not sockets.own:
        made._namespace = SimpleNamespace(place=object(), entered=nullcontext)
    return made  # type: ignore[no-any-return]


def test_change_is_announced_at_once_by_the_thread_that_hears_of_it() -> None:
    sockets = Sockets(own=True)
    one = ready(sockets, [])
    one.at_once(2, 7)
    assert (sockets.sent, sockets.threads) == ([b"own", b"station"], {threading.current_thread().name})
    assert one._standing[2].changed_at == 7, "it is not announced again as a change"
    one.at_once(2, 8)
    assert len(sockets.sent) == 2 and one._standing[2].changed_at == 7, "too early: the schedule does it"


def test_nothing_is_announced_at_once_if_announcements_are_off_or_the_pair_is_unknown() -> None:
    sockets = Sockets(own=True)
    ready(sockets, [], AnnouncePolicy(enabled=False)).at_once(2, 7)
    ready(sockets, []).at_once(3, 7)
    assert sockets.sent == []


def test_own_mac_alone_is_announced_at_once_in_another_namespace_by_a_thread_that_enters_it() -> None:
    sockets = Sockets(own=False)
    one = ready(sockets, [])
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="elsewhere") as one._elsewhere:
        one.at_once(2, 7)
    assert (sockets.sent, sockets.threads) == ([b"own"], {"elsewhere_0"})


def test_frame_that_cannot_be_sent_at_once_is_reported_and_raises_nothing() -> None:
    events: list[Event] = []
    ready(Sockets(own=True, error=OSError(1, "not permitted")), events).at_once(2, 7)
    (event,) = events
    assert event.interface == ETH0.name and "cannot announce a path change" in event.text
