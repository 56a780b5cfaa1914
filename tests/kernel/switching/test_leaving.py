# SPDX-License-Identifier: GPL-2.0-only
"""Leave at once, return with care: what a stream of numbered packets sees of it."""

import time

from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.attachment import attached
from tests.kernel.support.waiting import eventually

SETTLE_MS = 300
TICK_NS = 10_000_000
"""The clock that steer reads moves by a tick at a time, 10 ms with CONFIG_HZ=100."""


def some_more(stream: UdpStream, packets: int = 300) -> None:
    seen = stream.received
    eventually(f"{packets} packets more", lambda: stream.received > seen + packets)


def test_s16_vf_that_goes_down_is_left_at_once_and_used_again_after_settling(lab: Lab) -> None:
    with (
        attached(lab, settle_ms=SETTLE_MS) as pair,
        UdpStream(udp_plan(lab, Direction.TX, rate=2000)) as stream,
    ):
        assert pair.where == (Path.VF, Reason.ARMED)
        lab.vf_down()
        down = time.monotonic_ns()
        some_more(stream)
        assert pair.where == (Path.SYNTHETIC, Reason.VF_DOWN)

        up = time.monotonic_ns()
        lab.vf_up()
        pair.wait_for(Path.VF)
        returned = CLOCKS.monotonic_of(pair.state().changed_at)
        some_more(stream)
        assert pair.where == (Path.VF, Reason.ARMED)
        result = stream.stop()
    assert result.window(down, returned).lost == 0
    assert result.window(down, returned).sent > 300
    assert returned - up >= SETTLE_MS * 1_000_000 - TICK_NS


def test_s17_vf_that_loses_its_carrier_is_left_at_once(lab: Lab) -> None:
    with attached(lab) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=2000)) as stream:
        pair.wait_used()
        lab.vf_carrier(False)
        gone = time.monotonic_ns()
        some_more(stream)
        assert pair.where == (Path.SYNTHETIC, Reason.NO_CARRIER)
        end = time.monotonic_ns()
        some_more(stream)
        result = stream.stop()
    assert result.window(gone, end).sent > 300
    assert result.window(gone, end).lost == 0


def test_s19_redirection_stops_before_the_vf_closes(lab: Lab) -> None:
    # A veth queues nothing: whatever is lost was sent to a VF that was closed.
    with attached(lab) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=5000)) as stream:
        some_more(stream)
        assert pair.status().tx.vf.packets > 300
        lab.vf_down()
        some_more(stream, 1000)
        assert pair.where == (Path.SYNTHETIC, Reason.VF_DOWN)
        result = stream.stop()
    assert (result.lost, result.refused) == (0, 0)


def test_s19_redirection_stops_when_the_vf_is_removed(lab: Lab) -> None:
    with attached(lab) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=5000)) as stream:
        some_more(stream)
        assert pair.status().tx.vf.packets > 300
        lab.unplug_vf()
        some_more(stream, 1000)
        assert pair.where == (Path.SYNTHETIC, Reason.NO_VF)
        left, end = CLOCKS.monotonic_of(pair.state().changed_at), time.monotonic_ns()
        result = stream.stop()
    # veth_dellink() cuts the wire before the kernel begins to close the device: until the kernel leaves it,
    # what is on its way is the wire's loss (seen in veth_xmit()).
    assert result.window(left, end).sent > 300
    assert result.window(left, end).lost == 0
    assert result.refused == 0
