# SPDX-License-Identifier: GPL-2.0-only
"""Frames that arrive on the synthetic path while the VF is in use: legitimate there, or copies."""

import socket
from collections.abc import Callable

import pytest

from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Path
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.devices import NO_FABRIC, link, silence
from tests.kernel.support.frames import BROADCAST, GUEST_MAC, Tap, ethernet, send, tcp_syn, udp
from tests.kernel.support.waiting import eventually

PORT = 7001
HOUR_NS = 3_600_000_000_000
PEER = "10.99.0.2"
GROUP = "239.1.2.3"
GROUP_MAC = bytes.fromhex("01005e010203")
KINDS = {
    "unicast": (GUEST_MAC, "10.99.0.1"),
    "broadcast": (BROADCAST, "10.99.0.255"),
    "multicast": (GROUP_MAC, GROUP),
}
LAST = b"last"


def ear(lab: Lab) -> socket.socket:
    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("", PORT))
        joined = socket.inet_aton(GROUP) + socket.inet_aton("10.99.0.1")
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        made.settimeout(20)
        return made

    return lab.in_guest(make)


def datagram(kind: str, payload: bytes) -> bytes:
    mac, address = KINDS[kind]
    return udp(mac, PEER, address, PORT, payload)


def heard(listener: socket.socket) -> list[bytes]:
    """Everything up to the datagram that says it was the last."""
    got: list[bytes] = []
    while (payload := listener.recv(64)) != LAST:
        got.append(payload)
    return got


def come_in(pair: Attachment) -> int:
    """Frames that have come in by either NIC, delivered or not."""
    status = pair.status()
    return status.rx.vf.packets + status.rx.synthetic.packets + status.drops.rx_duplicate


def test_s44_frames_on_the_synthetic_path_are_delivered_while_the_vf_is_active(
    lab_factory: Callable[[LabPlan], Lab],
) -> None:
    lab = lab_factory(NO_FABRIC)
    with attached(lab, guard=GuardMode.OFF) as pair, ear(lab) as listener:
        pair.wait_used()
        send(lab.fabric, "syn0", *(datagram(kind, kind.encode()) for kind in KINDS))
        send(lab.fabric, "syn0", datagram("unicast", LAST))
        assert heard(listener) == [kind.encode() for kind in KINDS]
        assert pair.path is Path.VF


def test_s44_syn_on_the_synthetic_path_is_answered_by_the_vf(lab: Lab) -> None:
    with attached(lab, guard=GuardMode.OFF) as pair, Tap(lab.guest, "vf0") as vf:
        pair.wait_used()
        with lab.in_guest(socket.create_server, ("10.99.0.1", PORT)):
            send(lab.fabric, "syn0", tcp_syn(GUEST_MAC, PEER, "10.99.0.1", 50_001, PORT))
            ports = PORT.to_bytes(2, "big") + (50_001).to_bytes(2, "big")
            vf.wait_for(ports)
            answer = vf.seen(ports)[0]
    assert answer.outgoing
    assert answer.data[14 + 20 + 13] == 0x12, "SYN and ACK"


@pytest.mark.parametrize(
    ("guard", "once"),
    [
        (GuardMode.OFF, set()),
        (GuardMode.MULTICAST, {"broadcast", "multicast"}),
        (GuardMode.ALL, {"unicast", "broadcast", "multicast"}),
    ],
    ids=["off", "multicast", "all"],
)
def test_s45_the_same_frame_on_both_paths_is_delivered_once(
    lab_factory: Callable[[LabPlan], Lab], guard: GuardMode, once: set[str]
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=guard) as pair, ear(lab) as listener:
        pair.wait_used()
        before, came = pair.status().drops.rx_duplicate, come_in(pair)
        for ports in (("vf0", "syn0"), ("syn0", "vf0")):
            for kind in KINDS:
                for port in ports:
                    send(lab.fabric, port, datagram(kind, kind.encode()))
        # What comes by one NIC may overtake what came by the other.
        eventually("all have come in", lambda: come_in(pair) == came + 4 * len(KINDS))
        send(lab.fabric, "vf0", datagram("unicast", LAST))
        got = heard(listener)
        dropped = pair.status().drops.rx_duplicate - before
    assert {kind: got.count(kind.encode()) for kind in KINDS} == {
        kind: 2 if kind in once else 4 for kind in KINDS
    }
    assert dropped == 2 * len(once)


@pytest.mark.parametrize(("guard", "times"), [(GuardMode.OFF, 1), (GuardMode.EVIDENCE, 0)])
def test_s78_own_frame_that_a_hub_returns_comes_back_with_guard_off_alone(
    lab_factory: Callable[[LabPlan], Lab], guard: GuardMode, times: int
) -> None:
    """No program looks at what eth0 receives then, and the stack takes frames from its own MAC."""
    lab = lab_factory(LabPlan(fabric=Fabric.HUB))
    silence(lab)
    with attached(lab, guard=guard) as pair, Tap(lab.guest, "eth0") as stack, Tap(lab.peer, "eth0") as peer:
        pair.wait_used()
        came = come_in(pair)
        send(lab.guest, "eth0", ethernet(BROADCAST, b"returns", source=GUEST_MAC))
        peer.wait_for(b"returns")
        eventually("it has come in", lambda: come_in(pair) > came)
        assert sum(not frame.outgoing for frame in stack.seen(b"returns")) == times


@pytest.mark.guest
@pytest.mark.oldest
def test_s45_a_broadcast_that_the_switch_floods_to_both_ports_is_delivered_once(lab: Lab) -> None:
    with attached(lab) as pair, ear(lab) as listener:
        assert (pair.path, pair.status().guard) == (Path.VF, GuardMode.EVIDENCE)
        with Tap(lab.fabric, "vf0") as vf, Tap(lab.fabric, "syn0") as synthetic:
            send(lab.peer, "eth0", datagram("broadcast", b"flooded"))
            send(lab.peer, "eth0", datagram("broadcast", LAST))
            assert heard(listener) == [b"flooded"]
            assert len(vf.seen(b"flooded")) == len(synthetic.seen(b"flooded")) == 1


def test_s45_nothing_is_dropped_while_the_synthetic_path_is_in_use(
    lab_factory: Callable[[LabPlan], Lab],
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=GuardMode.ALL) as pair, ear(lab) as listener:
        lab.vf_down()
        send(lab.guest, "eth0", ethernet(BROADCAST, b"notice that it is down", source=GUEST_MAC))
        assert pair.path is Path.SYNTHETIC
        for kind in KINDS:
            send(lab.fabric, "syn0", datagram(kind, kind.encode()))
        send(lab.fabric, "syn0", datagram("unicast", LAST))
        assert heard(listener) == [kind.encode() for kind in KINDS]
        eventually("they are counted", lambda: pair.status().rx.synthetic.packets >= 4)
        assert pair.status().drops.rx_duplicate == 0


def test_s45_while_the_vf_settles_its_copy_of_a_broadcast_is_the_one_dropped(
    lab_factory: Callable[[LabPlan], Lab],
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=GuardMode.MULTICAST) as pair, ear(lab) as listener:
        lab.vf_down()
        send(lab.guest, "eth0", ethernet(BROADCAST, b"notice that it is down", source=GUEST_MAC))
        pair.control(ControlCommand.PERMIT, HOUR_NS)
        lab.vf_up()
        # Until the kernel has seen its carrier, the far end drops what it is to send (noop_qdisc).
        eventually("the far end sends", lambda: link(lab, lab.fabric, "vf0")["operstate"] == "UP")
        assert pair.path is Path.SYNTHETIC
        before, came = pair.status().drops.rx_duplicate, come_in(pair)
        for kind in KINDS:
            for port in ("vf0", "syn0"):
                send(lab.fabric, port, datagram(kind, kind.encode()))
        eventually("all have come in", lambda: come_in(pair) == came + 2 * len(KINDS))
        send(lab.fabric, "syn0", datagram("unicast", LAST))
        got = heard(listener)
        assert {kind: got.count(kind.encode()) for kind in KINDS} == {
            "unicast": 2,
            "broadcast": 1,
            "multicast": 1,
        }
        assert pair.status().drops.rx_duplicate - before == 2
