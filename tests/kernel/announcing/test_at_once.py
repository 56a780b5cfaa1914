# SPDX-License-Identifier: GPL-2.0-only
"""A change of path is announced before netlink answers, and nothing that has become untrue meanwhile."""

import time
from collections.abc import Callable

import pytest

from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.announcement_frames import rarp
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.announcing.managing import Managed, managed
from tests.kernel.announcing.rtnl_held import rtnl_held
from tests.kernel.announcing.test_bridged import FABRIC, HEARD, STATIC, bridged, knows
from tests.kernel.announcing.test_claims import OF_OUR_OWN_CHOICE, macvlan
from tests.kernel.support.frames import BROADCAST, GUEST_MAC, Tap, ethernet, send
from tests.kernel.support.waiting import eventually

VIP = ["10.99.0.84/24", "dev", "vrrp"]


def without_vf(lab: Lab) -> Callable[[], None]:
    """Return a function that has the kernel leave the VF; it changes no interface, so it needs no RTNL."""
    ifindex = lab.ifindex(lab.guest, "eth0")  # takes it

    def withdraw() -> None:
        with LoadedObject(NetnsPins(namespaces.current_inode())) as loaded:
            slot = find_pair_slot(loaded, ifindex)
            assert slot is not None
            loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(Reason.STALLED))

    return lambda: lab.in_guest(withdraw)


def quiet(guest: Managed, peer: Tap) -> None:
    """Return when the use of the VF was announced, and the next announcement may come at once."""
    guest.wait_for(Path.VF)
    rounds = len(AnnouncePolicy().after_s)
    eventually("it was announced", lambda: len(peer.seen(rarp(GUEST_MAC))) >= rounds)
    time.sleep(AnnouncePolicy().gap_s)


@pytest.mark.guest
@pytest.mark.newest
def test_s17_change_of_path_is_announced_while_a_driver_holds_rtnl(lab: Lab) -> None:
    with Tap(lab.peer, "eth0") as before, managed(lab) as guest:
        quiet(guest, before)
        leave = without_vf(lab)
        with Tap(lab.peer, "eth0") as peer, rtnl_held(lab) as request:
            answered = request.answered
            leave()
            peer.wait_for(rarp(GUEST_MAC))
            assert request.answered == answered, "netlink answered before it was announced"
        guest.wait_for_port("syn0")


@pytest.mark.guest
@pytest.mark.oldest
def test_s79_stations_are_announced_while_a_driver_holds_rtnl(lab: Lab) -> None:
    with bridged(lab), Tap(lab.peer, "eth0") as before:
        send(lab.guest, "c1", ethernet(BROADCAST, b"heard", source=HEARD))
        eventually("the bridge has learned", lambda: knows(lab, HEARD, "c0"))
        with managed(lab) as guest:
            quiet(guest, before)
            leave = without_vf(lab)
            with Tap(lab.peer, "eth0") as peer, rtnl_held(lab) as request:
                answered = request.answered
                leave()
                for mac in (GUEST_MAC, HEARD, STATIC):
                    peer.wait_for(rarp(mac))
                assert request.answered == answered, "netlink answered before they were announced"


def test_s79_station_that_has_moved_to_the_fabric_is_not_announced_at_once(lab: Lab) -> None:
    with bridged(lab), Tap(lab.peer, "eth0") as before:
        send(lab.guest, "c1", ethernet(BROADCAST, b"heard", source=FABRIC))
        eventually("the bridge has learned", lambda: knows(lab, FABRIC, "c0"))
        with managed(lab) as guest:
            quiet(guest, before)
            assert before.seen(rarp(FABRIC))
            send(lab.peer, "eth0", ethernet(BROADCAST, b"moved", source=FABRIC))
            eventually("the bridge has learned it", lambda: knows(lab, FABRIC, "eth0"))
            with Tap(lab.peer, "eth0") as peer:
                without_vf(lab)()
                eventually("three rounds", lambda: len(peer.seen(rarp(GUEST_MAC))) >= 3)
                assert peer.seen(rarp(STATIC)) and not peer.seen(rarp(FABRIC))


def test_s84_virtual_router_that_became_a_backup_is_not_announced_at_once(lab: Lab) -> None:
    with macvlan(lab, OF_OUR_OWN_CHOICE), Tap(lab.peer, "eth0") as before:
        lab.run(lab.guest, ["ip", "addr", "add", *VIP])
        with managed(lab) as guest:
            quiet(guest, before)
            assert before.seen(rarp(OF_OUR_OWN_CHOICE))
            lab.run(lab.guest, ["ip", "addr", "del", *VIP])
            with Tap(lab.peer, "eth0") as peer:
                without_vf(lab)()
                eventually("three rounds", lambda: len(peer.seen(rarp(GUEST_MAC))) >= 3)
                assert not peer.seen(rarp(OF_OUR_OWN_CHOICE))


def test_s60_what_is_new_is_announced_when_netlink_has_answered(lab: Lab) -> None:
    """The first round does not have it, and the second comes a quarter of a second later."""
    with macvlan(lab, OF_OUR_OWN_CHOICE), Tap(lab.peer, "eth0") as before, managed(lab) as guest:
        quiet(guest, before)
        lab.run(lab.guest, ["ip", "addr", "add", *VIP])
        with Tap(lab.peer, "eth0") as peer:
            without_vf(lab)()
            peer.wait_for(rarp(OF_OUR_OWN_CHOICE))
            assert len(peer.seen(rarp(GUEST_MAC))) == 1
