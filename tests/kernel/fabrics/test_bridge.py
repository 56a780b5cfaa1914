# SPDX-License-Identifier: GPL-2.0-only
"""A container behind a real bridge on the synthetic NIC: nothing that it sends comes back in."""

import json
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest

from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.lab import namespace
from netvsc_bpf.lab.bridge_ports import wait_for_ports
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Path
from tests.kernel.fabrics.kinds import FABRICS
from tests.kernel.fabrics.measure import arrivals, one_cpu
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.devices import silence
from tests.kernel.support.frames import BROADCAST, OTHER_MAC, Tap, ethernet, send, tagged
from tests.kernel.support.waiting import eventually

CONTAINER_MAC = bytes.fromhex("02000000000c")
UNKNOWN_MAC = bytes.fromhex("020000000022")
GROUP_MAC = bytes.fromhex("01005e010203")
HOUR_NS = 3_600_000_000_000


class Container:
    """A namespace behind ``br1`` of the guest, of which eth0 is a port too."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self._marks = (f"frame {number:05} ".encode() + bytes(40) for number in count())

    def port(self) -> str | None:
        """The port at which the guest's bridge has learned its MAC, None if it has not."""
        shown = self.lab.run(self.lab.guest, ["bridge", "-j", "fdb", "show", "br", "br1"]).stdout
        ports = [one["ifname"] for one in json.loads(shown) if one["mac"] == CONTAINER_MAC.hex(":")]
        return ports[0] if ports else None

    def sends(self, target: bytes) -> None:
        """Send a frame; once a later one from outside has arrived, all that came back has arrived too."""
        send(self.name, "eth0", ethernet(target, next(self._marks), source=CONTAINER_MAC))
        self.gets_one()
        self.gets_one()

    def gets_one(self) -> int:
        """Have the peer send it a frame; return how often it arrives, once another one has."""
        mark, last = next(self._marks), next(self._marks)
        with Tap(self.name, "eth0") as tap:
            for one, target in ((mark, CONTAINER_MAC), (last, BROADCAST)):
                send(self.lab.peer, "eth0", ethernet(target, one))
            tap.wait_for(last)
            return arrivals(tap.seen(mark))


@contextmanager
def container(lab: Lab) -> Iterator[Container]:
    """Put eth0 into a bridge, and a container behind it, both without IPv6 so that they are silent."""
    name = f"{lab.guest}-container"
    namespace.create(name)
    try:
        for line in (
            "link add br1 type bridge mcast_snooping 0",
            "link set eth0 master br1",
            f"link add c0 type veth peer name eth0 address {CONTAINER_MAC.hex(':')} netns {name}",
            "link set c0 master br1 up",
            "link set br1 up",
        ):
            lab.run(lab.guest, ["ip", *line.split()])
        lab.run(name, ["ip", "link", "set", "eth0", "addrgenmode", "none", "up"])
        wait_for_ports(lab.guest)
        yield Container(lab, name)
    finally:
        namespace.remove(name)


@contextmanager
def scene(fabric: Fabric, **options: object) -> Iterator[tuple[Container, Attachment]]:
    with ExitStack() as undo:
        lab = undo.enter_context(Lab(LabPlan(fabric=fabric)))
        silence(lab)
        inside = undo.enter_context(container(lab))
        undo.enter_context(one_cpu())
        pair = undo.enter_context(attached(lab, **{"settle_ms": 10, **options}))
        wait_for_ports(lab.fabric)
        yield inside, pair


def settle(inside: Container, pair: Attachment) -> None:
    """Leave the VF and have it settle: up, not used."""
    pair.lab.vf_down()
    inside.sends(BROADCAST)
    assert pair.path is Path.SYNTHETIC
    pair.control(ControlCommand.PERMIT, HOUR_NS)
    pair.lab.vf_up()
    wait_for_ports(pair.lab.fabric)


@pytest.mark.parametrize("guard", [GuardMode.EVIDENCE, GuardMode.MULTICAST, GuardMode.ALL])
@pytest.mark.parametrize("fabric", FABRICS)
def test_s78_what_a_container_sends_does_not_come_back_in(fabric: Fabric, guard: GuardMode) -> None:
    with scene(fabric, guard=guard) as (inside, pair):
        pair.wait_used()
        for state in ("the VF is the path", "it settles"):
            for target in (BROADCAST, UNKNOWN_MAC, OTHER_MAC, GROUP_MAC):
                inside.sends(target)
                assert inside.port() == "c0", (state, target.hex(":"))
            if pair.path is Path.VF:
                settle(inside, pair)


@pytest.mark.parametrize("fabric", FABRICS)
def test_s78_a_container_gets_each_frame_once_in_each_state(fabric: Fabric) -> None:
    with scene(fabric) as (inside, pair):
        pair.wait_used()
        inside.sends(BROADCAST)
        assert [inside.gets_one() for _ in range(5)] == [1] * 5
        settle(inside, pair)
        assert [inside.gets_one() for _ in range(5)] == [1] * 5


@pytest.mark.parametrize("fabric", [Fabric.HUB, Fabric.LEARNING])
def test_s78_and_while_the_path_changes_a_hundred_times(fabric: Fabric) -> None:
    with scene(fabric) as (inside, pair), Tap(pair.lab.peer, "eth0") as peer:
        pair.wait_used()
        for number in range(100):
            if number % 2:
                pair.lab.vf_up()
                wait_for_ports(pair.lab.fabric)
                eventually("the VF is the path", lambda: pair.path is Path.VF or inside.sends(BROADCAST))
            else:
                pair.lab.vf_down()
                inside.sends(BROADCAST)
                assert pair.path is Path.SYNTHETIC
            mark = f"to the peer {number:05}".encode() + bytes(40)
            send(inside.name, "eth0", ethernet(OTHER_MAC, mark, source=CONTAINER_MAC))
            assert inside.gets_one() == 1, number
            assert (inside.port(), arrivals(peer.seen(mark))) == ("c0", 1), number


@pytest.mark.parametrize("outer", [0x8100, 0x88A8], ids=hex)
def test_s80_a_broadcast_with_two_tags_arrives_once(outer: int) -> None:
    """The outer one is removed before guard sees the frame, and the inner one is not."""
    with scene(Fabric.HUB) as (inside, pair):
        pair.wait_used()
        inside.sends(BROADCAST)
        with Tap(pair.lab.guest, "eth0") as tap:
            marks = [f"twice tagged {number:05} ".encode() + bytes(40) for number in range(20)]
            for mark in marks:
                inner = tagged(BROADCAST, 30, mark)
                send(pair.lab.peer, "eth0", inner[:12] + struct.pack("!HH", outer, 20) + inner[12:])
            inside.gets_one()
            assert [arrivals(tap.seen(mark)) for mark in marks] == [1] * 20
