# SPDX-License-Identifier: GPL-2.0-only
"""After each change of path the members of multicast groups report again, by the path in use."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

import pytest

from netvsc_bpf import api, datapath
from netvsc_bpf.kernel.bpf.ingress_injector import IngressInjector
from netvsc_bpf.kernel.net.membership_query import ALL_HOSTS_MAC, SOURCE_MAC, igmp_query
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.model.path import Path
from tests.kernel.announcing.managing import Managed, managed, mute
from tests.kernel.support.attachment import attached
from tests.kernel.support.frames import GUEST_MAC, Tap
from tests.kernel.support.members import ANY4, FILTERED4, REPORTED, members
from tests.kernel.support.pod import Pod, pods
from tests.kernel.support.reports import Mode, Report, reports
from tests.kernel.support.waiting import eventually

_ARP, _RARP = b"\x08\x06", b"\x80\x35"


@pytest.fixture
def pod(lab: Lab) -> Iterator[Pod]:
    """A namespace beside the guest, as a container has it."""
    with pods(lab) as make:
        yield make()


def reported(tap: Tap, *, outgoing: bool | None = None, vlan: int | None = None) -> set[Report]:
    """What members were reported on an interface until now, with this tag."""
    frames = [one for one in tap.seen() if one.vlan == vlan and outgoing in (None, one.outgoing)]
    return reports(frames)


def wait_reported(tap: Tap, wanted: frozenset[Report] | set[Report], *, vlan: int | None = None) -> None:
    eventually("the members have reported", lambda: wanted <= reported(tap, vlan=vlan))


def wait_for_all_rounds(tap: Tap) -> None:
    """Wait until every round of announcements has been sent by an interface."""

    def announced() -> int:
        return sum(one.outgoing and one.data[12:14] in (_ARP, _RARP) for one in tap.seen(GUEST_MAC))

    eventually("all rounds", lambda: announced() >= len(AnnouncePolicy().after_s))


@contextmanager
def left(guest: Managed) -> Iterator[tuple[Tap, Tap]]:
    """Have the VF lose its carrier; yield a tap at the fabric's port of the synthetic NIC, and one on the VF.

    The second shows what the VF is still sent once it has been left.
    """
    guest.wait_for(Path.VF)
    lab = guest.lab
    with Tap(lab.fabric, "syn0") as synthetic:
        lab.vf_carrier(False)
        guest.wait_for(Path.SYNTHETIC)
        with Tap(lab.guest, "vf0") as vf:
            yield synthetic, vf


def test_s81_members_report_by_the_path_in_use(lab: Lab) -> None:
    """With their source filters, whatever rp_filter is, and the query is on no wire."""
    lab.in_guest(wiring.write_sysctl, "ipv4/conf/all/rp_filter", 1)
    with members(lab.guest, "eth0"), Tap(lab.peer, "eth0") as peer, Tap(lab.guest, "vf0") as vf:
        with managed(lab) as guest:
            guest.wait_for(Path.VF)
            wait_reported(vf, REPORTED)
            with left(guest) as (synthetic, unused):
                wait_reported(synthetic, REPORTED)
                assert not reported(unused)
            lab.vf_carrier(True)
            with Tap(lab.guest, "vf0") as again:
                guest.wait_for(Path.VF)
                wait_reported(again, REPORTED)
        assert not peer.seen(SOURCE_MAC) and not vf.seen(SOURCE_MAC)


def test_s81_version_that_is_in_use_is_kept(lab: Lab) -> None:
    """IGMPv2 knows no source filters: it reports both groups."""
    lab.in_guest(wiring.write_sysctl, "ipv4/igmp_qrv", 1)  # reports unasked once, when it joins
    lab.in_guest(wiring.write_sysctl, "ipv4/conf/eth0/force_igmp_version", 2)
    wanted = {Report(ANY4, None), Report(FILTERED4, None)}
    with Tap(lab.peer, "eth0") as joining, members(lab.guest, "eth0"):
        wait_reported(joining, wanted)
        with managed(lab) as guest, left(guest) as (synthetic, unused):
            wait_reported(synthetic, wanted)
            assert not {one.mode for one in reported(synthetic)} & {Mode.INCLUDE}
            assert not reported(unused)


@pytest.mark.guest
@pytest.mark.oldest
def test_s81_members_in_a_vlan_report_with_its_tag(lab: Lab) -> None:
    add = ["ip", "link", "add", "link", "eth0", "name", "eth0.7", "type", "vlan", "id", "7"]
    result = lab.run(lab.guest, add, check=False)
    if result.returncode:
        pytest.skip(f"this kernel makes no VLAN devices: {result.stderr.strip()}")
    lab.run(lab.guest, ["ip", "link", "set", "eth0.7", "up"])
    with members(lab.guest, "eth0.7"), managed(lab) as guest, left(guest) as (synthetic, _):
        wait_reported(synthetic, REPORTED, vlan=7)


def test_s81_macvlan_in_another_namespace_reports(lab: Lab, pod: Pod) -> None:
    add = ["link", "add", "link", "eth0", "name", "mv0", "netns", pod.name, "type", "macvlan"]
    lab.run(lab.guest, ["ip", *add])
    pod.ip("link", "set", "mv0", "up")
    with members(pod.name, "mv0"), managed(lab) as guest, left(guest) as (synthetic, _):
        wait_reported(synthetic, REPORTED)


def test_s81_members_behind_a_bridge_report_and_its_querier_stays(lab: Lab, pod: Pod) -> None:
    def querier() -> tuple[object, ...]:
        """Which ports of the bridge have heard a querier, and whether it is one itself."""
        shown = json.loads(lab.run(lab.guest, ["bridge", "-j", "-d", "mdb", "show"]).stdout)
        state = json.loads(lab.run(lab.guest, ["ip", "-j", "-d", "link", "show", "br0"]).stdout)
        return shown[0]["router"], state[0]["linkinfo"]["info_data"]["mcast_querier"]

    for command in (
        ["link", "add", "br0", "type", "bridge", "mcast_snooping", "1", "mcast_querier", "1"],
        ["link", "set", "br0", "type", "bridge", "mcast_igmp_version", "3", "mcast_mld_version", "2"],
        ["link", "set", "eth0", "master", "br0"],
        ["link", "set", "br0", "up"],
        ["link", "add", "c0", "type", "veth", "peer", "name", "eth0", "netns", pod.name],
        ["link", "set", "c0", "master", "br0", "up"],
    ):
        lab.run(lab.guest, ["ip", *command])
    pod.settle_in("eth0")
    with members(pod.name, "eth0"), managed(lab) as guest:
        before = querier()
        with Tap(pod.name, "eth0") as container, left(guest):
            wait_reported(container, REPORTED)
            container.wait_for(SOURCE_MAC)
        assert querier() == before == ({}, 1)


def test_s81_drain_without_a_manager_has_members_report(lab: Lab) -> None:
    with members(lab.guest, "eth0"), attached(lab, settle_ms=10) as pair:
        pair.wait_used()
        with Tap(lab.fabric, "syn0") as synthetic:
            assert lab.in_guest(datapath.drain, "eth0", None, "") == []
            wait_reported(synthetic, REPORTED)
        with Tap(lab.guest, "vf0") as vf:
            assert lab.in_guest(datapath.undrain, "eth0") == []
            wait_reported(vf, REPORTED)


def test_s81_without_members_nothing_is_asked(lab: Lab) -> None:
    mute(lab)
    with Tap(lab.guest, "eth0") as stack, Tap(lab.guest, "vf0") as vf, managed(lab) as guest:
        guest.wait_for(Path.VF)
        wait_for_all_rounds(vf)
        assert not stack.seen(SOURCE_MAC)


def test_s81_reports_can_be_turned_off(lab: Lab, tmp_path: FilePath) -> None:
    file = tmp_path / "netvsc-bpf.toml"
    file.write_text("[announce]\nmemberships = false\n")
    with members(lab.guest, "eth0"), Tap(lab.guest, "eth0") as stack, Tap(lab.guest, "vf0") as vf:
        with managed(lab, "--config", str(file)) as guest:
            guest.wait_for(Path.VF)
            wait_for_all_rounds(vf)
        assert not stack.seen(SOURCE_MAC) and not reported(vf)


def test_s81_flaps_do_not_flood(lab: Lab) -> None:
    with members(lab.guest, "eth0"), Tap(lab.guest, "eth0") as tap, managed(lab) as guest:
        guest.wait_for(Path.VF)
        for _ in range(40):
            lab.vf_down()
            lab.vf_up()
            lab.run(lab.guest, ["ping", "-c", "1", "-W", "1", "10.99.0.2"], check=False)
        # On a slow machine the VF is used between the flaps, and damped for them for minutes.
        lab.in_guest(api.undamp, "eth0")
        guest.wait_for_port("vf0")
        asked = len(tap.seen(SOURCE_MAC))
    assert 2 <= asked <= 120, "two of each round"


def test_query_for_an_interface_that_is_gone_or_down_is_not_received(lab: Lab) -> None:
    eth0 = lab.ifindex(lab.guest, "eth0")

    def received(ifindex: int) -> bool:
        with IngressInjector() as injector:
            return injector.receive(ifindex, igmp_query(ALL_HOSTS_MAC))

    assert lab.in_guest(received, eth0)
    assert not lab.in_guest(received, 999_999)
    lab.set_link(lab.guest, "eth0", False)
    assert not lab.in_guest(received, eth0)
