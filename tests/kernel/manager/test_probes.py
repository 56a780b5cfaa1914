# SPDX-License-Identifier: GPL-2.0-only
"""A VF that is up, has carrier and transmits, and whose frames go nowhere: the probe notices."""

import time
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path as FilePath
from typing import Any

import pytest

from netvsc_bpf.kernel.net.announcement_frames import gratuitous_arp
from netvsc_bpf.kernel.net.frame_parts import (
    NEIGHBOUR_ADVERTISEMENT,
    TARGET_LINK_LAYER_ADDRESS,
    neighbour_message,
)
from netvsc_bpf.kernel.net.neighbour_answers import AnswerReceiver
from netvsc_bpf.kernel.net.neighbour_frames import arp_request
from netvsc_bpf.lab.black_hole import BlackHole, Way
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.manager.watch.probe_sockets import ProbeSockets
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.planner.probe_policy import Target
from tests.kernel.conftest import Cli, LabFactory
from tests.kernel.support.frames import Tap, ethernet, send
from tests.kernel.support.manager import Orders, OwnManager, ip, nic, own_manager_of
from tests.kernel.support.scraping import scrape
from tests.kernel.support.waiting import eventually

PEER_MAC = bytes.fromhex("020000000002")
PEER_PORT = "peer"
PROBE: dict[str, Any] = {"probe": True, "probe_interval_s": 0.3, "probe_missed": 3, "hold_s": 2.0}
WAYS = {
    "transmits into nothing": (Way.FROM_GUEST,),
    "gets nothing": (Way.TO_GUEST,),
    "neither": (Way.FROM_GUEST, Way.TO_GUEST),
}


@pytest.fixture
def lab(lab: Lab) -> Lab:
    ip(lab, "route", "add", "default", "via", lab.plan.pair(0).peer_address)
    return lab


def probed(manager: OwnManager) -> dict[str, Any]:
    """The key `probe` of `status --json`."""
    found = manager.asked_status()["probe"]
    assert isinstance(found, dict)
    return found


def wait_state(manager: OwnManager, state: str) -> None:
    eventually(f"probe {state}", lambda: (manager.asked_status()["probe"] or {}).get("state") == state)


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS)
def test_s96_vf_whose_frames_go_nowhere_is_left_and_used_again_once_it_answers(
    lab: Lab, ways: tuple[Way, ...]
) -> None:
    hole = BlackHole(lab)
    with own_manager_of(lab, **PROBE) as manager, UdpStream(udp_plan(lab, Direction.TX, rate=500)) as udp:
        manager.wait_vf()
        wait_state(manager, "reachable")
        assert probed(manager)["targets"] == ["10.99.0.2"]
        before = scrape(lab)
        assert before.value("probe_reachable", interface="eth0") == 1
        assert before.value("probe_sent_total", interface="eth0")
        assert before.value("probe_answered_total", interface="eth0")

        hole.swallow(*ways)
        alert = manager.wait_event("unreachable")
        assert (alert["severity"], alert["reason"], alert["vf"]) == ("warning", "unreachable", "vf0")
        assert "10.99.0.2" in alert["text"]
        manager.wait_path(Path.SYNTHETIC, Reason.UNREACHABLE)
        manager.wait_event("followed", "vf0 was taken down: unreachable")
        vf0 = nic(lab, "vf0")
        assert vf0 is not None and not vf0.up, "so that incoming traffic leaves it, too"
        arrived = udp.received
        eventually("traffic on the synthetic path", lambda: udp.received > arrived + 200)
        manager.wait_event("probed", "was at fault")

        hole.work()
        manager.wait_event("switched", "armed", times=2)
        wait_state(manager, "reachable")
        assert manager.where == (Path.VF, Reason.ARMED)


def test_s97_target_that_is_dead_on_both_paths_moves_traffic_once_and_says_so(lab: Lab) -> None:
    hole = BlackHole(lab, PEER_PORT)
    with own_manager_of(lab, **{**PROBE, "hold_s": 600.0}) as manager:
        manager.wait_vf()
        wait_state(manager, "reachable")
        hole.swallow(Way.FROM_GUEST)  # the peer's answers
        manager.wait_event("probed", "silent on the synthetic path too")
        manager.wait_event("switched", "armed", times=2)
        wait_state(manager, "unproven")
        assert len(manager.events_of("unreachable")) == 1 and not manager.events_of("damped")
        assert manager.where == (Path.VF, Reason.ARMED)
        hole.work()
        wait_state(manager, "reachable")
        assert len(manager.events_of("switched")) == 3


def add_upper(lab: Lab, namespace: str, address: str, *kind: str) -> None:
    """Add a device `upper` on eth0."""
    result = lab.run(
        namespace, ["ip", "link", "add", "link", "eth0", "name", "upper", "type", *kind], check=False
    )
    if result.returncode:
        pytest.skip(f"this kernel makes no {kind[0]}: {result.stderr.strip()}")
    lab.run(namespace, ["ip", "address", "add", address, "dev", "upper"])
    lab.run(namespace, ["ip", "link", "set", "upper", "up"])


@pytest.mark.guest
@pytest.mark.newest
@pytest.mark.parametrize("kind", [("vlan", "id", "5"), ("macvlan",)], ids=["vlan", "macvlan"])
def test_s97_target_in_a_vlan_is_asked_through_the_path_in_use(lab: Lab, kind: tuple[str, ...]) -> None:
    add_upper(lab, lab.guest, "10.98.0.1/24", *kind)
    add_upper(lab, lab.peer, "10.98.0.2/24", *kind)
    with own_manager_of(lab, **PROBE, leave="steer", probe_targets=("10.98.0.2",)) as manager:
        manager.wait_vf()
        wait_state(manager, "reachable")
        assert probed(manager)["targets"] == ["10.98.0.2%upper"]
        BlackHole(lab).swallow(Way.FROM_GUEST)
        manager.wait_event("unreachable", "10.98.0.2%upper")
        manager.wait_event("probed", "was at fault")


@pytest.mark.parametrize("target", ["next hop", "fd99::2"])
def test_s97_ipv6_alone_is_asked_by_neighbour_solicitation(lab_factory: LabFactory, target: str) -> None:
    lab = lab_factory()
    ip(lab, "address", "del", f"{lab.plan.pair(0).address}/24", "dev", "eth0")
    if target == "next hop":
        ip(lab, "route", "add", "default", "via", "fd99::2")
    targets = None if target == "next hop" else (target,)
    with own_manager_of(lab, **PROBE, probe_targets=targets) as manager:
        manager.wait_vf()
        wait_state(manager, "reachable")
        assert probed(manager)["targets"] == ["fd99::2"]
        BlackHole(lab).swallow(Way.TO_GUEST)
        manager.wait_event("unreachable")
        manager.wait_event("probed", "was at fault")


def questions(tap: Tap, sender: str, mac: bytes | None = None) -> int:
    """How many ARP requests came with this sender, and this MAC if one is given."""
    request = b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"
    heads = [one.data[22:32] for one in tap.seen(request) if not one.outgoing]
    return sum(one[6:] == IPv4Address(sender).packed and mac in (None, one[:6]) for one in heads)


def test_s85_address_that_is_another_machines_by_now_asks_no_question(lab: Lab) -> None:
    """A target would learn it: an address that a standby has taken over would come back to this machine."""
    ip(lab, "address", "add", "10.98.0.10/24", "dev", "eth0")
    lab.run(lab.peer, ["ip", "address", "add", "10.98.0.2/24", "dev", "eth0"])
    with own_manager_of(lab, **PROBE, probe_targets=("10.98.0.2", "10.99.0.2")) as manager:
        manager.wait_vf()
        eventually("both are asked", lambda: probed(manager)["targets"] == ["10.98.0.2", "10.99.0.2"])
        ip(lab, "address", "del", "10.98.0.10/24", "dev", "eth0")
        with Tap(lab.peer, "eth0") as peer:
            eventually("the other one is asked", lambda: questions(peer, "10.99.0.1") >= 5)
            assert questions(peer, "10.98.0.10") <= 1, "one may have been on its way"
        assert probed(manager)["targets"] == ["10.99.0.2"]


def test_s35_mac_that_is_changed_is_used_by_the_next_question(lab: Lab) -> None:
    before, now = (bytes.fromhex(f"00155d{last}") for last in ("010203", "aabbcc"))
    with own_manager_of(lab, **PROBE) as manager:
        manager.wait_vf()
        wait_state(manager, "reachable")
        ip(lab, "link", "set", "eth0", "address", now.hex(":"))
        with Tap(lab.peer, "eth0") as peer:
            eventually("it is asked", lambda: questions(peer, "10.99.0.1", now) >= 5)
            assert questions(peer, "10.99.0.1", before) <= 1, "one may have been on its way"
        assert not manager.events_of("unreachable")


def test_s97_target_on_no_network_of_the_pair_is_reported_once_and_not_asked(lab: Lab) -> None:
    with own_manager_of(lab, **PROBE, probe_targets=("192.0.2.1", "10.99.0.2")) as manager:
        manager.wait_event("probed", "192.0.2.1: on no network of eth0")
        wait_state(manager, "reachable")
        assert probed(manager)["targets"] == ["10.99.0.2"]
        ip(lab, "address", "add", "10.98.0.10/24", "dev", "eth0")  # the targets are read again
        ip(lab, "address", "add", "192.0.2.9/24", "dev", "eth0")
        eventually("both are asked", lambda: probed(manager)["targets"] == ["192.0.2.1", "10.99.0.2"])
        assert len(manager.events_of("probed")) == 1


def test_s97_next_hop_that_is_changed_is_asked_next(lab: Lab) -> None:
    lab.run(lab.peer, ["ip", "address", "add", "10.99.0.3/24", "dev", "eth0"])
    with own_manager_of(lab, **PROBE) as manager, Tap(lab.peer, "eth0") as peer:
        manager.wait_vf()
        wait_state(manager, "reachable")
        ip(lab, "route", "replace", "default", "via", "10.99.0.3")
        already = questions(peer, "10.99.0.1")
        eventually("questions go on", lambda: questions(peer, "10.99.0.1") >= already + 5)
        assert probed(manager)["targets"] == ["10.99.0.3"]


def test_s97_without_a_target_nothing_is_left_and_status_says_that_nothing_is_watched(
    lab_factory: LabFactory,
) -> None:
    lab = lab_factory()  # no default route
    with own_manager_of(lab, **PROBE) as manager:
        manager.wait_vf()
        wait_state(manager, "no-targets")
        BlackHole(lab).swallow(Way.FROM_GUEST, Way.TO_GUEST)
        time.sleep(5 * PROBE["probe_interval_s"])
        assert manager.where == (Path.VF, Reason.ARMED)
        assert probed(manager) == {"targets": [], "state": "no-targets", "last_answer": None}


def test_s97_target_that_never_answered_is_not_missed(lab: Lab) -> None:
    with own_manager_of(lab, **PROBE, probe_targets=("10.99.0.77",)) as manager:
        manager.wait_vf()
        wait_state(manager, "unproven")
        time.sleep(8 * PROBE["probe_interval_s"])
        assert manager.where == (Path.VF, Reason.ARMED) and not manager.events_of("unreachable")


def test_s96_vf_that_an_earlier_manager_left_is_not_tried_sooner_by_another_or_by_attach(
    lab: Lab, netvsc_bpf_cli: Cli
) -> None:
    with own_manager_of(lab, **{**PROBE, "hold_s": 600.0}) as manager:
        manager.wait_vf()
        wait_state(manager, "reachable")
        BlackHole(lab).swallow(Way.FROM_GUEST)
        manager.wait_path(Path.SYNTHETIC, Reason.UNREACHABLE)
        manager.close()
        again = OwnManager(lab, Orders(lab.guest, **{**PROBE, "hold_s": 600.0}))
        try:
            assert again.wait_event("unreachable", "held back before")["hold_s"] == 600.0
            again.wait_event("probed", "was at fault")
            changes = again.status.path_changes
            assert netvsc_bpf_cli("attach", "eth0", "--any-bus", "--settle", "20").returncode == 0
            assert (again.where, again.status.path_changes) == (
                (Path.SYNTHETIC, Reason.UNREACHABLE),
                changes,
            )
        finally:
            again.close()


def test_status_has_no_probe_where_it_is_disabled(lab: Lab) -> None:
    with own_manager_of(lab) as manager:
        manager.wait_vf()
        assert manager.asked_status()["probe"] is None


def test_answers_are_waited_for_where_no_socket_may_stay_open(lab: Lab) -> None:
    """A socket would keep a namespace alive that its owner deletes."""
    ifindex = lab.ifindex(lab.guest, "eth0")
    peer, other = (Target(ifindex, IPv4Address(address)) for address in ("10.99.0.2", "10.99.0.77"))
    mac = bytes.fromhex(lab.plan.pair(0).mac.replace(":", ""))

    def ask(*targets: Target) -> list[Target]:
        sockets = ProbeSockets(kept=False)
        frames = [(ifindex, arp_request(mac, None, IPv4Address(one.address), None)) for one in targets]
        assert sockets.ask(frames) == len(targets)
        sockets.wait(0.5)
        return [target for target, _ in sockets.answers()]

    ours = len(list(FilePath("/proc/self/fd").iterdir()))
    assert lab.in_guest(ask, peer) == [peer]
    assert lab.in_guest(ask, peer, other) == [peer]
    assert lab.in_guest(ask, other) == []
    assert len(list(FilePath("/proc/self/fd").iterdir())) == ours


def test_only_replies_to_this_host_are_answers(lab: Lab) -> None:
    def heard() -> list[object]:
        receiver = AnswerReceiver()
        try:
            lab.run(lab.peer, ["ping", "-c1", "-W5", "10.99.0.1"])  # the peer asks us for our MAC
            gratuitous = gratuitous_arp(PEER_MAC, IPv4Address("10.99.0.2"))
            as_reply = gratuitous[:21] + bytes([2]) + gratuitous[22:]
            send(lab.peer, "eth0", gratuitous, as_reply)
            time.sleep(0.2)
            return list(receiver.answers())
        finally:
            receiver.close()

    assert lab.in_guest(heard) == []


def advertisement(target: str, to: str, to_mac: bytes) -> bytes:
    """A solicited neighbour advertisement of the peer, with the right checksum."""
    packet = neighbour_message(
        NEIGHBOUR_ADVERTISEMENT,
        1 << 30,
        IPv6Address(target),
        IPv6Address(to).packed,
        IPv6Address(target),
        (TARGET_LINK_LAYER_ADDRESS, PEER_MAC),
    )
    return ethernet(to_mac, packet, source=PEER_MAC, ethertype=0x86DD)


def test_only_advertisements_to_this_host_are_answers(lab: Lab) -> None:
    """One that claims to be solicited, but goes to all nodes, would vouch for a VF that transmits nothing."""
    mac = bytes.fromhex(lab.plan.pair(0).mac.replace(":", ""))

    def heard() -> set[str]:
        receiver = AnswerReceiver()
        try:
            send(lab.peer, "eth0", advertisement("fd99::7", "ff02::1", bytes.fromhex("333300000001")))
            send(lab.peer, "eth0", advertisement("fd99::8", "fd99::1", mac))
            got = set[str]()
            eventually(
                "the other one", lambda: got.update(str(one.address) for _, one in receiver.answers()) or got
            )
            return got
        finally:
            receiver.close()

    assert lab.in_guest(heard) == {"fd99::8"}
