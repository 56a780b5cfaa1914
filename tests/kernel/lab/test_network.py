# SPDX-License-Identifier: GPL-2.0-only
"""The lab's network: what stands where, and how it behaves without the product."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from netvsc_bpf.lab.bridge_ports import wait_for_ports
from netvsc_bpf.lab.directions import Direction, tcp_plan, udp_plan
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import BPFFS, NETNS
from netvsc_bpf.lab.tcp import TcpStream
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.lab.wiring import with_rtnl
from netvsc_bpf.model.errors import NetvscBpfError, NoSuchNic
from tests.kernel.support.frames import BROADCAST, GUEST_MAC, Tap, ethernet, send
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]

WITHOUT_VF = LabPlan(vf=False)


def link_of(lab: Lab, name: str, interface: str) -> dict[str, Any]:
    shown: list[dict[str, Any]] = json.loads(
        lab.run(name, ["ip", "-j", "addr", "show", "dev", interface]).stdout
    )
    return shown[0]


def has_carrier(lab: Lab, interface: str) -> bool:
    return "LOWER_UP" in link_of(lab, lab.guest, interface)["flags"]


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize("direction", list(Direction))
def test_stream_without_events_loses_and_repeats_nothing(
    lab_factory: LabFactory, direction: Direction, ipv6: bool
) -> None:
    lab = lab_factory(WITHOUT_VF)
    with UdpStream(udp_plan(lab, direction, rate=20_000, ipv6=ipv6)) as stream:
        eventually("5,000 packets", lambda: stream.received >= 5_000)
        result = stream.stop()
    assert (result.lost, result.duplicates, result.refused, result.receiver_drops) == (0, 0, 0, 0)
    assert result.sent == result.received >= 5_000


@pytest.mark.parametrize("direction", list(Direction))
def test_tcp_stream_arrives_complete_and_in_order(lab_factory: LabFactory, direction: Direction) -> None:
    lab = lab_factory(WITHOUT_VF)
    with TcpStream(tcp_plan(lab, direction)) as stream:
        eventually("50 MB", lambda: stream.received >= 50_000_000)
        result = stream.stop()
    assert result.intact
    assert result.received == result.sent >= 50_000_000


def test_vf_has_the_mac_of_its_synthetic_nic_and_no_address(lab: Lab) -> None:
    vf = link_of(lab, lab.guest, "vf0")
    assert vf["address"] == link_of(lab, lab.guest, "eth0")["address"] == "00:15:5d:01:02:03"
    assert vf["addr_info"] == []


def test_unplugged_vf_is_gone_and_comes_back_as_a_new_device(lab: Lab) -> None:
    before = lab.ifindex(lab.guest, "vf0")
    lab.unplug_vf()
    with pytest.raises(NoSuchNic):
        lab.ifindex(lab.guest, "vf0")
    after = lab.plug_vf(name="enP1s1")
    assert after not in (before, lab.ifindex(lab.guest, "eth0"))
    lab.unplug_vf()  # by its port, whatever its name


def test_vf_loses_and_regains_carrier_with_the_port_of_the_fabric(lab: Lab) -> None:
    lab.vf_carrier(False)
    eventually("carrier gone", lambda: not has_carrier(lab, "vf0"))
    assert has_carrier(lab, "eth0")
    lab.vf_carrier(True)
    eventually("carrier back", lambda: has_carrier(lab, "vf0"))


def test_ends_of_a_cable_never_share_an_ifindex(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=3))
    lab.unplug_vf(1)
    lab.plug_vf(1)
    for name in (lab.guest, lab.fabric, lab.peer):
        links = with_rtnl(name, lambda rtnl: list(rtnl.get_links()))
        ends = [(link["index"], link.get_attr("IFLA_LINK")) for link in links]
        assert [index for index, other in ends if index == other] == []


def test_host_fabric_never_floods_to_the_vf(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.HOST))
    lab.run(lab.peer, ["ping", "-c", "1", "-W", "20", "10.99.0.1"])  # which begins with a broadcast
    stats = json.loads(lab.run(lab.guest, ["ip", "-j", "-s", "link", "show", "dev", "vf0"]).stdout)[0]
    assert stats["stats64"]["rx"]["packets"] == 0


def delivered_to(lab: Lab, *nics: str) -> list[str]:
    """The guest's NICs that see a unicast frame of the peer's for the MAC of the pair."""
    with ExitStack() as taps:
        seen = {nic: taps.enter_context(Tap(lab.guest, nic)) for nic in nics}
        send(lab.peer, "eth0", ethernet(GUEST_MAC, b"to the pair"))
        # veth delivers before send() returns, or on the CPU's next softirq.
        eventually("it is delivered", lambda: any(tap.seen(b"to the pair") for tap in seen.values()))
        return [nic for nic, tap in seen.items() for _ in tap.seen(b"to the pair")]


def test_embedded_switch_goes_by_the_state_of_the_vf_and_not_by_who_spoke_last(
    lab_factory: LabFactory,
) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.EMBEDDED))

    def speak(nic: str) -> None:
        send(lab.guest, nic, ethernet(BROADCAST, b"here", source=GUEST_MAC))

    speak("eth0")
    assert delivered_to(lab, "eth0", "vf0") == ["vf0"]
    lab.vf_down()
    assert delivered_to(lab, "eth0", "vf0") == ["eth0"]
    lab.vf_up()
    wait_for_ports(lab.fabric)
    speak("eth0")
    assert delivered_to(lab, "eth0", "vf0") == ["vf0"]
    lab.vf_carrier(False)
    assert delivered_to(lab, "eth0", "vf0") == ["eth0"]
    lab.vf_carrier(True)
    wait_for_ports(lab.fabric)
    speak("vf0")
    lab.unplug_vf()
    assert delivered_to(lab, "eth0") == ["eth0"]
    lab.plug_vf()
    wait_for_ports(lab.fabric)
    speak("eth0")
    assert delivered_to(lab, "eth0", "vf0") == ["vf0"]


def test_many_pairs_have_macs_and_addresses_of_their_own(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=64, fabric=Fabric.NONE))
    links = json.loads(lab.run(lab.guest, ["ip", "-j", "link"]).stdout)
    macs = {link["address"] for link in links if link["link_type"] == "ether"}
    assert len(links) == 1 + 2 * 64
    assert len(macs) == 64


def test_pairs_do_not_answer_for_each_other(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=2, vf=False))
    lab.run(lab.peer, ["ping", "-c", "1", "-W", "20", "10.99.1.1"])
    (neighbour,) = json.loads(lab.run(lab.peer, ["ip", "-j", "neigh", "show", "10.99.1.1"]).stdout)
    assert neighbour["lladdr"] == lab.plan.pair(1).mac


def test_programs_in_a_namespace_see_bpffs(lab: Lab) -> None:
    shown = lab.run(lab.guest, ["stat", "--file-system", "--format=%T", str(BPFFS)]).stdout
    assert shown.strip() == "bpf_fs"


def test_lab_that_fails_to_build_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fabric: str) -> None:
        raise NetvscBpfError("wait for the fabric", "as the test wants it")

    monkeypatch.setattr("netvsc_bpf.lab.builder.wait_for_ports", fail)
    with pytest.raises(NetvscBpfError, match="as the test wants it"), Lab():
        pass
    assert list(NETNS.iterdir()) == []
