# SPDX-License-Identifier: GPL-2.0-only
"""What the synthetic NIC listens to reaches the VF, comes back with a new one, and goes when it is left."""

import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel.net import address_lists
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.announcing.managing import managed
from tests.kernel.support.attachment import attached
from tests.kernel.support.waiting import eventually

GROUP4, GROUP4_MAC = "239.1.2.3", bytes.fromhex("01005e010203")
GROUP6, GROUP6_MAC = "ff05::1:1234", bytes.fromhex("333300011234")
LLDP_MAC = bytes.fromhex("0180c200000e")
MACVLAN_MAC = bytes.fromhex("020000000042")
NEVER_BY_CHANCE = ("--interval", "3600")
"""So long that a change noticed earlier was reported by the kernel, or found by polling the list."""


def static(lab: Lab, interface: str) -> set[bytes]:
    """The static multicast addresses of an interface, added as `ip maddr add` does."""
    ifindex = lab.ifindex(lab.guest, interface)
    lists = lab.in_guest(address_lists.multicast_lists)
    return {one.mac for one in lists.get(ifindex, []) if one.static}


def joined(lab: Lab, interface: str) -> set[bytes]:
    """All multicast addresses of an interface."""
    lists = lab.in_guest(address_lists.multicast_lists)
    return {one.mac for one in lists.get(lab.ifindex(lab.guest, interface), [])}


def unicast(lab: Lab, interface: str) -> set[bytes]:
    """The secondary unicast addresses of an interface."""
    ifindex = lab.ifindex(lab.guest, interface)

    def ask() -> set[bytes]:
        with Rtnetlink() as rtnl:
            return address_lists.unicast_list(rtnl, ifindex)

    return lab.in_guest(ask)


def join4(lab: Lab) -> socket.socket:
    """Join GROUP4 on eth0 until the socket is closed."""

    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        request = socket.inet_aton(GROUP4) + bytes(4) + struct.pack("=I", socket.if_nametoindex("eth0"))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        return made

    return lab.in_guest(make)


def join6(lab: Lab) -> socket.socket:
    """Join GROUP6 on eth0 until the socket is closed."""

    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        request = socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("=I", socket.if_nametoindex("eth0"))
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
        return made

    return lab.in_guest(make)


def join_lldp(lab: Lab) -> socket.socket:
    """Join LLDP's group on eth0 as lldpd does, which no kernel reports."""

    def make() -> socket.socket:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        request = struct.pack("=IHH8s", socket.if_nametoindex("eth0"), 0, 6, LLDP_MAC)
        made.setsockopt(263, 1, request)  # SOL_PACKET, PACKET_ADD_MEMBERSHIP: PACKET_MR_MULTICAST
        return made

    return lab.in_guest(make)


@contextmanager
def macvlan(lab: Lab) -> Iterator[None]:
    """A macvlan upon eth0, up."""
    where = ["link", "eth0", "name", "mv0", "address", MACVLAN_MAC.hex(":")]
    lab.run(lab.guest, ["ip", "link", "add", *where, "type", "macvlan"])
    lab.run(lab.guest, ["ip", "link", "set", "mv0", "up"])
    yield
    lab.run(lab.guest, ["ip", "link", "del", "mv0"])


@pytest.mark.guest
@pytest.mark.oldest
@pytest.mark.parametrize(("join", "mac"), [(join4, GROUP4_MAC), (join6, GROUP6_MAC)], ids=["ipv4", "ipv6"])
def test_s33_multicast_join_reaches_the_vf_and_leaving_too(
    lab: Lab, join: Callable[[Lab], socket.socket], mac: bytes
) -> None:
    with managed(lab, *NEVER_BY_CHANCE) as guest:
        guest.wait_for(Path.VF)
        with join(lab):
            eventually("the VF listens", lambda: mac in static(lab, "vf0"))
        eventually("the VF does not any more", lambda: mac not in joined(lab, "vf0"))


def test_s33_unreported_joins_are_found_at_the_next_poll(lab: Lab) -> None:
    with managed(lab, "--interval", "0.3") as guest:
        guest.wait_for(Path.VF)
        with join_lldp(lab):
            eventually("the VF listens", lambda: LLDP_MAC in static(lab, "vf0"))
            assert not unicast(lab, "vf0"), "the kernel's own way would have put it there"
        eventually("the VF does not any more", lambda: LLDP_MAC not in joined(lab, "vf0"))


def test_s33_secondary_unicast_reaches_the_vf(lab: Lab) -> None:
    with managed(lab, *NEVER_BY_CHANCE) as guest:
        guest.wait_for(Path.VF)
        with macvlan(lab):
            eventually("the VF listens", lambda: MACVLAN_MAC in unicast(lab, "vf0"))
        eventually("the VF does not any more", lambda: MACVLAN_MAC not in unicast(lab, "vf0"))


def test_s33_attach_syncs_addresses_without_a_manager_and_detach_unsyncs_them(lab: Lab) -> None:
    before = joined(lab, "vf0"), unicast(lab, "vf0")
    with join4(lab), macvlan(lab):
        with attached(lab):
            assert GROUP4_MAC in static(lab, "vf0")
            assert unicast(lab, "vf0") == {MACVLAN_MAC}
        assert (joined(lab, "vf0"), unicast(lab, "vf0")) == before


def test_s33_existing_addresses_of_the_vf_stay(lab: Lab) -> None:
    others = bytes.fromhex("333344444444"), bytes.fromhex("020000000077")
    lab.run(lab.guest, ["ip", "maddr", "add", GROUP4_MAC.hex(":"), "dev", "vf0"])
    lab.run(lab.guest, ["ip", "maddr", "add", others[0].hex(":"), "dev", "vf0"])
    for mac in (MACVLAN_MAC, others[1]):
        lab.run(lab.guest, ["bridge", "fdb", "add", mac.hex(":"), "dev", "vf0", "self"])
    before = static(lab, "vf0"), unicast(lab, "vf0")
    with managed(lab) as guest:
        guest.wait_for(Path.VF)
        with join4(lab), join6(lab), macvlan(lab):
            eventually("the VF listens", lambda: GROUP6_MAC in static(lab, "vf0"))
        # Ours goes, and theirs, which the synthetic NIC left at the same time, does not.
        eventually("the VF does not any more", lambda: GROUP6_MAC not in static(lab, "vf0"))
        assert {GROUP4_MAC, others[0]} <= static(lab, "vf0")
        assert unicast(lab, "vf0") == {MACVLAN_MAC, others[1]}
    assert (static(lab, "vf0"), unicast(lab, "vf0")) == before


def test_s33_own_memberships_of_the_vf_outlive_synced_ones(lab: Lab) -> None:
    """Multicast entries count their users: taking ours back leaves that of the VF's own stack."""
    all_hosts = bytes.fromhex("01005e000001")
    assert all_hosts in joined(lab, "vf0") - static(lab, "vf0")
    with attached(lab):
        assert all_hosts in static(lab, "vf0")
    assert all_hosts in joined(lab, "vf0") - static(lab, "vf0")


def test_s34_memberships_survive_removal_and_return_of_the_vf(lab: Lab) -> None:
    with managed(lab) as guest, join4(lab), join6(lab), macvlan(lab):
        guest.wait_for(Path.VF)
        wanted = {GROUP4_MAC, GROUP6_MAC}
        eventually("the VF listens", lambda: wanted <= static(lab, "vf0"))
        lab.unplug_vf()
        guest.wait_for(Path.SYNTHETIC)
        lab.plug_vf()
        guest.wait_for(Path.VF)
        eventually("the new VF listens", lambda: wanted <= static(lab, "vf0"))
        eventually("to the macvlan too", lambda: MACVLAN_MAC in unicast(lab, "vf0"))


def test_s34_group_left_without_a_manager_is_removed_from_the_vf(lab: Lab) -> None:
    """The record of synced addresses is in the kernel, so it survives a manager that was killed."""
    with macvlan(lab):
        lab.in_guest(datapath.attach, "eth0", AttachOptions(any_bus=True))
        with managed(lab) as first, join4(lab):
            eventually("the VF listens", lambda: {GROUP4_MAC} <= static(lab, "vf0"))
            assert unicast(lab, "vf0") == {MACVLAN_MAC}
            first.process.send_signal(signal.SIGKILL)
            first.process.wait()
            first.keep = True
    assert GROUP4_MAC in static(lab, "vf0")
    with managed(lab) as second:
        second.wait_for(Path.VF)
        eventually("the VF does not any more", lambda: GROUP4_MAC not in joined(lab, "vf0"))
        eventually("nor to the macvlan", lambda: not unicast(lab, "vf0"))
