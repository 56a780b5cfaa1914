# SPDX-License-Identifier: GPL-2.0-only
"""Whatever goes wrong with one pair costs that pair a retry, and the others are served."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath.sync_addresses import AddressSyncer
from netvsc_bpf.kernel.net import address_lists
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind
from netvsc_bpf.manager.reconcile import reconciler
from netvsc_bpf.manager.reconcile.arming import Arming
from netvsc_bpf.manager.reconcile.executor import Executor
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.state.attached_pairs import everyone
from netvsc_bpf.manager.sync import announcement_sockets, announcer
from netvsc_bpf.manager.sync.address_lists import AddressListSync
from netvsc_bpf.manager.sync.announcer import Announcer
from netvsc_bpf.manager.watch import stalls
from netvsc_bpf.manager.watch.stalls import StallWatch
from netvsc_bpf.model.errors import Busy
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.manager.turns import CONFIG, Turns
from tests.kernel.support.manager import ip
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
ARMED = (Path.VF, Reason.ARMED)
GROUP = "01:00:5e:01:02:03"


class Broken:
    """Raises for eth0 while it is on; one wrapper for each kind of function."""

    def __init__(self, lab: Lab) -> None:
        self.ifindex = lab.ifindex(lab.guest, "eth0")
        self.on, self.calls = True, 0

    def wrap(self, really: Callable[..., Any], concerned: Callable[..., int]) -> Callable[..., Any]:
        def place(*args: Any, **kwargs: Any) -> Any:
            if self.on and concerned(*args, **kwargs) == self.ifindex:
                self.calls += 1
                raise ZeroDivisionError("injected")
            return really(*args, **kwargs)

        return place


@pytest.fixture
def turns(lab_factory: LabFactory) -> Iterator[Turns]:
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    yield Turns(lab, config=replace(CONFIG, interfaces=("eth0", "eth1")))
    lab.in_guest(datapath.detach_all)


def both_armed(turns: Turns) -> Callable[[], bool]:
    def armed() -> bool:
        turns.turn()
        return [turns.where_of("eth0"), turns.where_of("eth1")] == [ARMED, ARMED]

    return armed


def unexpected(events: list[Event]) -> list[Event]:
    return [event for event in events if "injected" in event.text]


PLACES = {
    "observe": (reconciler, "observe", lambda session, loaded, nic, *rest: nic.ifindex),
    "plan": (reconciler, "plan", lambda seen, wanted: seen.synthetic.ifindex),
    "act": (Executor, "run", lambda executor, step: step.ifindex),
    "arm": (Arming, "look", lambda arming, session, loaded, nic: nic.ifindex),
}


@pytest.mark.parametrize("place", PLACES)
def test_s75_an_exception_costs_its_pair_a_retry_and_the_other_is_served(
    turns: Turns, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    where, name, concerned = PLACES[place]
    broken = Broken(turns.lab)
    monkeypatch.setattr(where, name, broken.wrap(getattr(where, name), concerned))
    waits: list[float | None] = []

    def other_armed() -> bool:
        waits.append(turns.turn())
        return turns.where_of("eth1") == ARMED

    eventually("eth1 is served", other_armed)
    if place != "arm":  # the kernel itself arms a pair that is permitted, at its next packet
        assert turns.where_of("eth0") != ARMED
    (event,) = unexpected(turns.events)
    assert (event.interface, event.kind, event.details[Detail.ERRORS]) == ("eth0", Kind.FAILED, 1)
    assert "Traceback" in event.text and "in place" in event.text
    wait_s = waits[-1]
    assert wait_s is not None and wait_s < 0.11, "its own retry wakes the loop"
    turns.now += 0.2
    turns.turn()
    assert len(unexpected(turns.events)) == 2
    turns.turn()
    assert len(unexpected(turns.events)) == 2, "the second retry comes later than the first"
    broken.on = False
    turns.now += 60.0
    eventually("eth0 is served again", both_armed(turns))


@pytest.mark.parametrize("place", ["observe", "plan"])
def test_s75_a_withdrawal_comes_though_another_pair_cannot_be_looked_at(
    turns: Turns, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    eventually("both armed", both_armed(turns))
    where, name, concerned = PLACES[place]
    monkeypatch.setattr(where, name, Broken(turns.lab).wrap(getattr(where, name), concerned))
    ip(turns.lab, "link", "set", "vf1", "mtu", "1300")
    monkeypatch.setattr(reconciler, "loaded_or_load", None)  # nothing behind the withdrawals can be done
    with pytest.raises(TypeError):
        turns.turn()
    assert turns.where_of("eth1") == (Path.SYNTHETIC, Reason.NOT_PERMITTED)
    assert turns.where_of("eth0") == ARMED


def test_s75_withdrawals_of_all_pairs_come_before_whatever_can_fail(
    turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer's lock among it: somebody else may hold it for as long as the compiler takes."""
    eventually("both armed", both_armed(turns))

    def held(what: str, *_: object) -> None:
        raise Busy(what, "somebody else is writing")

    monkeypatch.setattr(reconciler, "writing", held)
    for vf in ("vf0", "vf1"):
        ip(turns.lab, "link", "set", vf, "mtu", "1300")
    with pytest.raises(Busy):
        turns.turn()
    assert {turns.where_of(one) for one in ("eth0", "eth1")} == {(Path.SYNTHETIC, Reason.NOT_PERMITTED)}


def test_s75_lists_of_the_other_pair_are_kept(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    eventually("both armed", both_armed(turns))
    lab, broken = turns.lab, Broken(turns.lab)
    monkeypatch.setattr(AddressSyncer, "lists", broken.wrap(AddressSyncer.lists, lambda keeper, nic, vf: nic))
    for name in ("eth0", "eth1"):
        ip(lab, "maddr", "add", GROUP, "dev", name)
    follow = AddressListSync(everyone, turns.events.append)

    def groups(vf: str) -> list[str]:
        lists = lab.in_guest(address_lists.multicast_lists)
        return [one.mac.hex(":") for one in lists.get(lab.ifindex(lab.guest, vf), [])]

    lab.in_guest(follow)
    lab.in_guest(follow)
    assert GROUP in groups("vf1") and GROUP not in groups("vf0")
    assert [event.interface for event in unexpected(turns.events)] == ["eth0"], (
        "reported once, and tried again"
    )
    broken.on = False
    lab.in_guest(follow)
    assert GROUP in groups("vf0")


def test_s75_the_other_pair_is_announced(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    eventually("both armed", both_armed(turns))
    broken, sent = Broken(turns.lab), set()

    class Sender:
        def send(self, ifindex: int, frame: bytes) -> None:
            sent.add(ifindex)

        def close(self) -> None:
            """Nothing was opened."""

    monkeypatch.setattr(announcement_sockets, "RawSender", Sender)
    monkeypatch.setattr(
        announcer,
        "stations",
        broken.wrap(announcer.stations, lambda rtnl, stack: stack.devices[0].link.ifindex),
    )
    one = turns.lab.in_guest(Announcer, AnnouncePolicy(), everyone, turns.events.append)
    turns.lab.in_guest(one._work)
    one.close()
    assert sent == {turns.lab.ifindex(turns.lab.guest, "eth1")}
    assert [event.interface for event in unexpected(turns.events)] == ["eth0"]


def test_s75_the_other_pair_is_watched_for_stalls(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    eventually("both armed", both_armed(turns))
    broken = Broken(turns.lab)
    monkeypatch.setattr(stalls, "_use", broken.wrap(stalls._use, lambda loaded, pair: pair))
    watch = turns.lab.in_guest(lambda: StallWatch(turns.reconciler, turns.events.append))
    for _ in range(2):
        turns.lab.in_guest(watch.look)
    assert set(watch._still) == {turns.lab.ifindex(turns.lab.guest, "eth1")}
    assert [event.interface for event in unexpected(turns.events)] == ["eth0"]
