# SPDX-License-Identifier: GPL-2.0-only
"""Nothing is announced that belongs to another machine: virtual routers on standby, shared addresses."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.datapath.drain_pair import drain, undrain
from netvsc_bpf.kernel.net.announcement_frames import rarp
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.announcing.managing import managed
from tests.kernel.support.frames import BROADCAST, GUEST_MAC, Tap, ethernet, send
from tests.kernel.support.waiting import eventually

VIRTUAL_ROUTER = bytes.fromhex("00005e000133")
OF_OUR_OWN_CHOICE = bytes.fromhex("020000000084")
SHARED = "10.99.0.100"
DIRECTOR = "02:00:00:00:00:99"


@contextmanager
def macvlan(lab: Lab, mac: bytes) -> Iterator[None]:
    """A macvlan upon eth0, up and without address, as keepalived leaves a backup's."""
    where = ["link", "eth0", "name", "vrrp", "address", mac.hex(":"), "type", "macvlan", "mode", "private"]
    lab.run(lab.guest, ["ip", "link", "add", *where])
    lab.run(lab.guest, ["ip", "link", "set", "vrrp", "addrgenmode", "none"])
    lab.run(lab.guest, ["ip", "link", "set", "vrrp", "up"])
    yield
    lab.run(lab.guest, ["ip", "link", "del", "vrrp"])


def three_rounds_each_way(lab: Lab, peer: Tap) -> None:
    """Return once the use of the VF, and then its loss, were announced three times each."""
    eventually("three rounds by the VF", lambda: len(peer.seen(rarp(GUEST_MAC))) >= 3)
    lab.vf_carrier(False)
    eventually("three rounds without it", lambda: len(peer.seen(rarp(GUEST_MAC))) >= 6)


@pytest.mark.parametrize("mac", [VIRTUAL_ROUTER, OF_OUR_OWN_CHOICE], ids=["rfc-9568", "other"])
def test_s84_virtual_router_on_standby_is_never_announced(lab: Lab, mac: bytes) -> None:
    with macvlan(lab, mac), Tap(lab.peer, "eth0") as peer, managed(lab) as guest:
        guest.wait_for(Path.VF)
        # The master is elsewhere: the switch has heard it.
        send(lab.peer, "eth0", ethernet(BROADCAST, b"master", source=mac))
        three_rounds_each_way(lab, peer)
        assert not peer.seen(rarp(mac))
        assert guest.port(mac) not in ("syn0", "vf0")


def test_s84_master_is_announced_and_no_more_once_it_is_a_backup(lab: Lab) -> None:
    mac, vip = OF_OUR_OWN_CHOICE, ["10.99.0.84/24", "dev", "vrrp"]
    with macvlan(lab, mac):
        lab.run(lab.guest, ["ip", "addr", "add", *vip])
        with managed(lab) as guest:
            guest.wait_for(Path.VF)
            guest.wait_for_port("vf0", mac)
            lab.run(lab.guest, ["ip", "addr", "del", *vip])
            with Tap(lab.peer, "eth0") as peer:
                lab.vf_carrier(False)
                eventually("three rounds", lambda: len(peer.seen(rarp(GUEST_MAC))) >= 3)
                assert not peer.seen(rarp(mac))


def test_s84_virtual_router_that_is_switched_off_by_proto_down_is_not_announced(lab: Lab) -> None:
    with macvlan(lab, OF_OUR_OWN_CHOICE):
        lab.run(lab.guest, ["ip", "addr", "add", "10.99.0.84/24", "dev", "vrrp"])
        off = lab.run(lab.guest, ["ip", "link", "set", "vrrp", "protodown", "on"], check=False)
        if off.returncode:
            pytest.skip(f"this kernel's macvlans have no protodown: {off.stderr.strip()}")
        with Tap(lab.peer, "eth0") as peer, managed(lab) as guest:
            guest.wait_for(Path.VF)
            three_rounds_each_way(lab, peer)
            assert not peer.seen(rarp(OF_OUR_OWN_CHOICE))


def neighbour(lab: Lab) -> str:
    """Where the peer believes the shared address to be."""
    return lab.run(lab.peer, ["ip", "neigh", "show", SHARED]).stdout.split()[4]


@contextmanager
def shared_address(lab: Lab) -> Iterator[None]:
    """A real server's: eth0 has it, arp_ignore keeps it from answering, and the peer knows the director."""
    for setting in ("arp_ignore=1", "arp_announce=2"):
        lab.run(lab.guest, ["sysctl", "-qw", f"net.ipv4.conf.eth0.{setting}"])
    if shutil.which("nft"):
        chain = f"chain o {{ type filter hook output priority 0; arp saddr ip {SHARED} drop; }}"
        lab.run(lab.guest, ["nft", f"table arp f {{ {chain}; }}"], check=False)  # a kernel without nf_tables
    lab.run(lab.guest, ["ip", "addr", "add", f"{SHARED}/32", "dev", "eth0"])
    director = [SHARED, "lladdr", DIRECTOR, "dev", "eth0", "nud", "stale"]
    lab.run(lab.peer, ["ip", "neigh", "replace", *director])
    yield


def test_s85_address_whose_arp_is_suppressed_is_never_claimed(lab: Lab) -> None:
    with shared_address(lab), Tap(lab.peer, "eth0") as peer, managed(lab) as guest:
        guest.wait_for(Path.VF)
        three_rounds_each_way(lab, peer)
        assert neighbour(lab) == DIRECTOR


def test_s85_drain_without_a_manager_claims_no_address_and_s84_no_virtual_router(lab: Lab) -> None:
    with shared_address(lab), macvlan(lab, OF_OUR_OWN_CHOICE), Tap(lab.peer, "eth0") as peer:
        lab.in_guest(datapath.attach, "eth0", AttachOptions(any_bus=True, settle_ms=20))
        try:
            lab.in_guest(drain, "eth0")
            lab.in_guest(undrain, "eth0")
        finally:
            lab.in_guest(datapath.detach_all)
        assert len(peer.seen(rarp(GUEST_MAC))) == 2
        assert not peer.seen(rarp(OF_OUR_OWN_CHOICE))
        assert neighbour(lab) == DIRECTOR
