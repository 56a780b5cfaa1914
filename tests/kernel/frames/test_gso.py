# SPDX-License-Identifier: GPL-2.0-only
"""Large TCP frames reach the VF in one piece, and none is larger than either device wants them."""

import json
from typing import NamedTuple

import pytest

from netvsc_bpf.lab.directions import Direction, tcp_plan
from netvsc_bpf.lab.tcp import TcpStream
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.devices import transmitted
from tests.kernel.support.frames import Tap
from tests.kernel.support.waiting import eventually

ETHERNET = 14


def limits(lab: Lab, interface: str) -> tuple[int, int]:
    shown = json.loads(lab.run(lab.guest, ["ip", "-j", "-d", "link", "show", "dev", interface]).stdout)[0]
    return shown["gso_max_size"], shown["gso_max_segs"]


def set_limits(lab: Lab, interface: str, size: int, segs: int) -> None:
    argv = ["ip", "link", "set", interface, "gso_max_size", str(size), "gso_max_segs", str(segs)]
    lab.run(lab.guest, argv)


class Counted(NamedTuple):
    """Packets sent by vf0. The driver's counter is read twice: the kernel may send a frame in between."""

    by_driver: int
    by_us: int
    by_driver_then: int


def counted(lab: Lab, pair: Attachment) -> Counted:
    by_driver = transmitted(lab, lab.guest, "vf0")
    return Counted(by_driver, pair.status().tx.vf.packets, transmitted(lab, lab.guest, "vf0"))


def test_s39_tso_frames_of_64_kb_reach_the_vf_unsegmented(lab: Lab) -> None:
    with attached(lab) as pair, Tap(lab.guest, "vf0", snap=64) as vf:
        pair.wait_used()
        before = counted(lab, pair)
        with TcpStream(tcp_plan(lab, Direction.TX)) as stream:
            eventually("10 MB", lambda: stream.received > 10_000_000)
            result = stream.stop()
        after = counted(lab, pair)
        sizes = [frame.length for frame in vf.seen() if frame.outgoing]
    assert max(sizes) > 60_000
    # The driver got as many packets as steer did: nothing was cut up on the way.
    by_us = after.by_us - before.by_us
    assert after.by_driver - before.by_driver_then <= by_us <= after.by_driver_then - before.by_driver
    assert by_us < result.sent / 1500


@pytest.mark.parametrize("smaller", ["eth0", "vf0"])
def test_s40_smaller_gso_limits_of_either_device_hold_across_a_switch(lab: Lab, smaller: str) -> None:
    set_limits(lab, smaller, 16_000, 8)
    found = limits(lab, "eth0"), limits(lab, "vf0")
    with attached(lab, settle_ms=50) as pair, TcpStream(tcp_plan(lab, Direction.TX)) as stream:
        assert limits(lab, "eth0") == (16_000, 8)
        with Tap(lab.guest, "eth0", snap=64) as synthetic, Tap(lab.guest, "vf0", snap=64) as vf:
            for switch, path in ((None, Path.VF), (lab.vf_down, Path.SYNTHETIC), (lab.vf_up, Path.VF)):
                if switch:
                    switch()
                pair.wait_for(path)
                at = stream.received
                eventually(f"5 MB by {path}", lambda at=at: stream.received > at + 5_000_000)
                sizes = [f.length for tap in (synthetic, vf) for f in tap.seen() if f.outgoing]
                # 8 segments of 1,448 bytes and one header
                assert 8_000 < max(sizes) <= 8 * 1_448 + ETHERNET + 20 + 60
            assert any(frame.outgoing for frame in synthetic.seen())
        assert stream.stop().intact
    assert (limits(lab, "eth0"), limits(lab, "vf0")) == found
