# SPDX-License-Identifier: GPL-2.0-only
"""Jumbo frames on the synthetic path: guard lets them pass whatever came first, guard or the MTU."""

import json
import struct
from collections.abc import Callable
from functools import partial

import pytest

from netvsc_bpf.datapath import guard_hook, guard_offloads
from netvsc_bpf.datapath.follow_offloads import Difference, difference
from netvsc_bpf.datapath.sync_vlans import Half
from netvsc_bpf.kernel.bpf import libbpf, links, pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Path, XdpMode
from netvsc_bpf.model.receive_offload import FeatureState, ReceiveOffload
from tests.kernel.commands import run
from tests.kernel.machine import unchanged
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.devices import silence
from tests.kernel.support.frames import BROADCAST, GUEST_MAC, OTHER_MAC, Tap, ethernet, send, udp, wire
from tests.kernel.support.manager import managers, nic
from tests.kernel.support.waiting import eventually

JUMBO, USUAL = 9000, 1500
HEADERS = 28
"""IPv4 and ICMP."""
ETHERNET = 14
_SOL_PACKET, _PACKET_VNET_HDR = 263, 15  # include/uapi/linux/if_packet.h
_DRV_MODE = 1 << 2  # XDP_FLAGS_DRV_MODE, include/uapi/linux/if_link.h
LabFactory = Callable[..., Lab]


def set_mtu(lab: Lab, mtu: int) -> None:
    """Set it on every NIC and port, as administrators do: the guest's NIC, whose VF follows if it has to."""
    for place in (lab.fabric, lab.peer, lab.guest):
        for link in json.loads(lab.run(place, ["ip", "-j", "link"]).stdout):
            if link["ifname"] != "lo":
                lab.run(place, ["ip", "link", "set", link["ifname"], "mtu", str(mtu)])


def answered(lab: Lab, mtu: int, *, count: int = 3) -> bool:
    """Whether the peer's answers arrive that fill the MTU, without fragments of IP."""
    size = str(mtu - HEADERS)
    argv = ["ping", "-n", "-M", "do", "-s", size, "-c", str(count), "-i", "0.2", "-W", "2", "10.99.0.2"]
    return f" {count} received" in lab.run(lab.guest, argv, check=False).stdout


@pytest.mark.parametrize("guard", [GuardMode.MULTICAST, GuardMode.ALL])
def test_s77_mtu_raised_and_lowered_under_the_guard(lab: Lab, guard: GuardMode) -> None:
    with attached(lab, guard=guard) as pair:
        for mtu in (JUMBO, USUAL, JUMBO):
            set_mtu(lab, mtu)
            pair.attach(guard=guard)
            pair.wait_used()
            assert answered(lab, mtu), "by the VF"
            lab.vf_down()
            assert pair.path is Path.SYNTHETIC
            assert answered(lab, mtu), "by the synthetic path"
            lab.vf_up()


def test_s77_mtu_raised_under_the_guard_while_nothing_of_ours_runs(lab: Lab) -> None:
    with attached(lab, guard=GuardMode.MULTICAST) as pair:
        lab.vf_down()
        set_mtu(lab, JUMBO)
        assert answered(lab, JUMBO)
        assert pair.status().guard_xdp is XdpMode.NATIVE


def test_s77_guard_attached_under_jumbo(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(mtu=JUMBO))
    with unchanged(lab), attached(lab, guard=GuardMode.MULTICAST) as pair:
        pair.wait_used()
        assert answered(lab, JUMBO)
        lab.vf_down()
        assert answered(lab, JUMBO)
        assert pair.status().guard_xdp is XdpMode.NATIVE


def test_s77_jumbo_frames_are_counted_whole(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(mtu=JUMBO))
    with attached(lab, guard=GuardMode.MULTICAST) as pair:
        lab.vf_down()
        assert answered(lab, JUMBO, count=1)  # after it each end knows the other's address
        before = pair.status().rx.synthetic
        assert answered(lab, JUMBO, count=3)
        after = pair.status().rx.synthetic
        assert after.packets - before.packets >= 3
        assert after.bytes - before.bytes >= 3 * (JUMBO + ETHERNET)


def uneven(lab: Lab) -> None:
    """Replace the synthetic NIC by one that cannot run XDP natively: a veth whose peer has more queues."""
    pair = lab.plan.pair(0)
    lab.run(lab.guest, ["ip", "link", "del", pair.synthetic])
    ends = ["numtxqueues", "2", "mtu", str(lab.plan.mtu), "type", "veth", "peer", "name", pair.synthetic]
    lab.run(lab.fabric, ["ip", "link", "add", pair.synthetic_port, *ends, "netns", lab.guest])
    lab.run(lab.guest, ["ip", "link", "set", pair.synthetic, "address", pair.mac, "up"])
    lab.run(lab.guest, ["ip", "addr", "add", f"{pair.address}/24", "dev", pair.synthetic])
    lab.run(lab.fabric, ["ip", "link", "set", pair.synthetic_port, "master", "switch", "up"])


def test_s77_generic_guard_where_the_driver_passes_no_fragments(lab: Lab) -> None:
    uneven(lab)
    with attached(lab, guard=GuardMode.MULTICAST) as pair:
        assert pair.status().guard_xdp is XdpMode.GENERIC
        assert "guard multicast (generic)" in run(lab, "status").stdout
        assert "guard of eth0 runs in generic mode, without GRO on eth0" in run(lab, "doctor").stdout
        for mtu in (JUMBO, USUAL):
            set_mtu(lab, mtu)
            lab.vf_down()
            before = pair.status().rx.synthetic.bytes
            eventually("the switch has opened the port", partial(answered, lab, mtu, count=1))
            assert answered(lab, mtu)
            assert pair.status().rx.synthetic.bytes - before >= 4 * (mtu + ETHERNET)


def tap_lab(lab_factory: LabFactory, mtu: int = JUMBO) -> Lab:
    """A lab whose synthetic NIC is a tap with a jumbo MTU: its driver runs XDP, but passes no fragments."""
    lab = lab_factory(LabPlan(vf=False, fabric=Fabric.NONE))
    mac = lab.plan.pair(0).mac
    lab.run(lab.guest, ["ip", "link", "del", "eth0"])
    lab.run(lab.guest, ["ip", "tuntap", "add", "eth0", "mode", "tap"])
    lab.run(lab.guest, ["ip", "link", "set", "eth0", "address", mac, "mtu", str(mtu), "up"])
    return lab


def test_s77_manager_moves_guard_when_the_mtu_no_longer_fits_into_one_buffer(lab_factory: LabFactory) -> None:
    lab = tap_lab(lab_factory, USUAL)
    with attached(lab, guard=GuardMode.MULTICAST) as pair, managers(lab) as start:
        assert pair.status().guard_xdp is XdpMode.NATIVE
        manager = start("eth0")
        lab.run(lab.guest, ["ip", "link", "set", "eth0", "mtu", str(JUMBO)])
        eventually("it is moved", lambda: manager.status.guard_xdp is XdpMode.GENERIC)


@pytest.mark.parametrize("guard", [GuardMode.EVIDENCE, GuardMode.MULTICAST, GuardMode.ALL])
def test_s77_guard_in_generic_mode_knows_what_home_has_redirected(lab: Lab, guard: GuardMode) -> None:
    """The kernel shows it to generic XDP as if it had arrived there."""
    uneven(lab)
    silence(lab)
    with attached(lab, guard=guard) as pair, Tap(lab.guest, "eth0") as stack:
        pair.wait_used()
        assert pair.status().guard_xdp is XdpMode.GENERIC
        for number in range(5):
            for target in (GUEST_MAC, BROADCAST, bytes.fromhex("01005e010203")):
                mark = f"{number} to {target.hex()}".encode() + bytes(50)
                send(lab.fabric, pair.lab.plan.pair(0).vf_port, ethernet(target, mark))
                stack.wait_for(mark)
                (arrived,) = stack.seen(mark)
                assert arrived.data[6:12] == OTHER_MAC, "its source is as it was"


def send_without_checksum(namespace: str, interface: str, datagram: bytes) -> None:
    """Send UDP as a guest of the same host does: its checksum is computed where it leaves for a wire."""
    header = struct.pack("=BBHHHH", 1, 0, 0, 0, 34, 6)  # struct virtio_net_hdr: VIRTIO_NET_HDR_F_NEEDS_CSUM
    with wire(namespace, interface) as there:
        there.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        there.send(header + datagram)


def test_s80_copy_whose_checksum_is_not_computed_yet_is_recognised_in_generic_mode(lab: Lab) -> None:
    uneven(lab)
    silence(lab)
    ports = lab.plan.pair(0)
    with attached(lab, guard=GuardMode.EVIDENCE) as pair, Tap(lab.guest, "eth0") as stack:
        pair.wait_used()
        assert pair.status().guard_xdp is XdpMode.GENERIC
        for number in range(10):
            mark = f"datagram {number}".encode() + bytes(50)
            datagram = udp(BROADCAST, "10.99.0.2", "10.99.0.255", 7001, mark)
            computed = datagram[:40] + b"\x12\x34" + datagram[42:]
            send(lab.fabric, ports.vf_port, computed)
            send_without_checksum(lab.fabric, ports.synthetic_port, datagram)
        last = b"the last one" + bytes(50)
        send(lab.fabric, ports.synthetic_port, ethernet(BROADCAST, last))
        stack.wait_for(last)
        assert [len(stack.seen(f"datagram {number}".encode())) for number in range(10)] == [1] * 10


def attach_natively(pair: Attachment) -> None:
    """Leave guard as an earlier version does, which runs it natively with every driver that can."""

    def inside() -> None:
        pins = NetnsPins(namespaces.current_inode())
        links.remove(pins.link(pair.ifindex, "guard"))
        with pin_files.got(pins.copy(pair.ifindex, "guard")) as program:
            link = libbpf.link_create(program, pair.ifindex, libbpf.XDP, _DRV_MODE)
            links.pin(link, pins.link(pair.ifindex, "guard"))

    pair.lab.in_guest(inside)
    assert pair.status().guard_xdp is XdpMode.NATIVE


def test_s77_attach_again_moves_a_guard_that_would_drop_jumbo_to_generic_mode(
    lab_factory: LabFactory,
) -> None:
    lab = tap_lab(lab_factory)
    with attached(lab, guard=GuardMode.MULTICAST) as pair:
        assert pair.status().guard_xdp is XdpMode.GENERIC
        attach_natively(pair)
        assert "tun, which drops large frames for it" in run(lab, "doctor").stdout
        assert pair.attach(guard=GuardMode.MULTICAST).guard_xdp is XdpMode.GENERIC
        assert pair.attach(guard=GuardMode.OFF).guard_xdp is None


def test_s77_manager_moves_a_guard_that_would_drop_jumbo_to_generic_mode(lab_factory: LabFactory) -> None:
    lab = tap_lab(lab_factory)
    with attached(lab, guard=GuardMode.MULTICAST) as pair, managers(lab) as start:
        attach_natively(pair)
        manager = start("eth0")
        manager.wait_event("attached", "guard")
        assert manager.status.guard_xdp is XdpMode.GENERIC


def test_s77_driver_that_refuses_after_all_runs_guard_in_generic_mode(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    uneven(lab)
    monkeypatch.setattr(guard_hook, "receives_fragments", lambda _: True)
    with attached(lab, guard=GuardMode.MULTICAST) as pair:
        assert pair.status().guard_xdp is XdpMode.GENERIC
        found = nic(lab, "eth0")
        assert found is not None and found.xdp_generic


def test_offloads_that_generic_mode_switches_off_are_noted_and_requested_again(
    lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    active, requested = {"rx-gro-hw", "rx-lro", "rx-gro"}, []
    monkeypatch.setattr(guard_offloads, "active_features", lambda _: frozenset(active))
    monkeypatch.setattr(
        guard_offloads, "request_features", lambda name, wanted: requested.append((name, list(wanted)))
    )
    lab = tap_lab(lab_factory)
    with attached(lab, guard=GuardMode.MULTICAST) as pair:
        active -= {"rx-gro-hw", "rx-lro"}  # as generic_xdp_install() does
        assert lro_required_of_vf(lab) is None, "it is off because of guard"
        attach_natively(pair)
        pair.attach(guard=GuardMode.MULTICAST)  # goes back to generic mode, which found nothing to switch off
        assert requested == []
        active.add("rx-lro")  # someone switched it on meanwhile
        pair.attach(guard=GuardMode.OFF)
        assert requested == [("eth0", ["rx-gro-hw"])]
        pair.attach(guard=GuardMode.OFF)
        assert lro_required_of_vf(lab) is False, "it is off because somebody wants it off"
    assert len(requested) == 1, "only once"


def lro_required_of_vf(lab: Lab) -> bool | None:
    """What a VF that has LRO must have where eth0 could do it and has it off; None: its own choice."""
    off, on = FeatureState(True, False, False), FeatureState(True, True, True)
    eth0, vf0 = Half(lab.ifindex(lab.guest, "eth0"), "eth0"), Half(0, "vf0")  # the lab has no VF

    def read(ifindex: int) -> dict[ReceiveOffload, FeatureState]:
        lro = off if ifindex == eth0.ifindex else on
        return {**dict.fromkeys(ReceiveOffload, off), ReceiveOffload.GRO: on, ReceiveOffload.LRO: lro}

    def compare() -> Difference:
        with Rtnetlink() as rtnl:
            return difference(rtnl, eth0, vf0, 0, read)  # type: ignore[arg-type]

    return lab.in_guest(compare).requests.get(ReceiveOffload.LRO)


def test_lro_is_not_requested_again_if_packets_are_forwarded_by_now(
    lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel switches LRO off where `forwarding` is set; guard has switched it off before."""
    active, requested = {"rx-gro-hw", "rx-lro"}, []
    monkeypatch.setattr(guard_offloads, "active_features", lambda _: frozenset(active))
    monkeypatch.setattr(guard_offloads, "request_features", lambda _, wanted: requested.append(list(wanted)))
    lab = tap_lab(lab_factory)
    with attached(lab, guard=GuardMode.MULTICAST) as pair:
        active.clear()
        lab.in_guest(wiring.write_sysctl, "ipv4/conf/eth0/forwarding", 1)
        pair.attach(guard=GuardMode.OFF)
    assert requested == [["rx-gro-hw"]]
