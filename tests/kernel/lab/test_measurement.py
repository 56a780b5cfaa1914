# SPDX-License-Identifier: GPL-2.0-only
"""What a stream's loss is put down to."""

import os
import signal
import time
from array import array
from collections.abc import Callable

import pytest

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.recording import MissingRun, Recording
from netvsc_bpf.lab.tcp_pattern import Pattern
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from netvsc_bpf.model.errors import NetvscBpfError
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]

WITHOUT_VF = LabPlan(vf=False)


def test_loss_in_the_receivers_own_socket_is_distinguished(lab_factory: LabFactory) -> None:
    lab = lab_factory(WITHOUT_VF)
    with UdpStream(UdpPlan(lab.guest, lab.peer, "10.99.0.2", rate=5_000, buffer=4096)) as stream:
        os.kill(stream.receiver_pid, signal.SIGSTOP)
        begin = stream.sent
        eventually("more than the buffer holds", lambda: stream.sent > begin + 500)
        os.kill(stream.receiver_pid, signal.SIGCONT)
        result = stream.stop()
    assert result.lost == result.receiver_drops > 0


def test_loss_is_attributed_to_the_time_when_it_was_sent(lab_factory: LabFactory) -> None:
    lab = lab_factory(WITHOUT_VF)
    with UdpStream(udp_plan(lab, Direction.TX, rate=5_000)) as stream:
        eventually("a quiet start", lambda: stream.received > 500)
        begin = time.monotonic_ns()
        lab.set_link(lab.fabric, "peer", False)
        gone = stream.sent
        eventually("packets sent into the void", lambda: stream.sent > gone + 500)
        lab.set_link(lab.fabric, "peer", True)
        back = stream.received
        eventually("packets arrive again", lambda: stream.received > back + 500)
        end = time.monotonic_ns()
        eventually("a quiet end", lambda: stream.received > back + 1500)
        result = stream.stop()
    cut = result.window(begin, end)
    assert result.window(0, begin).lost == 0
    assert result.lost == cut.lost >= 500
    assert sum(run.count for run in cut.missing) == cut.lost
    assert all(begin <= run.first_sent_ns <= run.last_sent_ns < end for run in cut.missing)
    assert cut.longest_gap_s * 1e9 > cut.missing[0].last_sent_ns - cut.missing[0].first_sent_ns


def test_stream_without_a_way_is_an_error(lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netvsc_bpf.lab.worker._PATIENCE_S", 0.5)
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    plan = UdpPlan(lab.guest, lab.peer, "127.0.0.1", rate=100)
    with pytest.raises(NetvscBpfError, match="reach 127"), UdpStream(plan):
        pass


def test_recording_counts_lost_repeated_and_late_packets() -> None:
    recording = Recording(
        sent_ns=array("q", [10, 20, 30, 40, 90, 100]),
        arrived_ns=array("q", [11, 21, 0, 0, 92, 101]),
        copies=bytes([1, 2, 0, 0, 1, 1]),
    )
    loss = recording.window(20, 91)
    assert (loss.sent, loss.received, loss.lost, loss.duplicates) == (4, 2, 2, 1)
    assert loss.missing == (MissingRun(first=2, count=2, first_sent_ns=30, last_sent_ns=40),)
    assert loss.longest_gap_s == pytest.approx(71e-9)
    assert loss.longest_pause_s == pytest.approx(50e-9)
    assert loss.longest_outage_s == pytest.approx(21e-9)  # 71 less the 50 in which nothing was sent
    assert recording.window(100, 200).longest_gap_s == pytest.approx(9e-9)
    assert recording.window(500, 600).sent == 0


def test_packet_that_others_overtook_makes_no_gap_of_its_own() -> None:
    """A switch may keep one for half a second, while all that were sent after it arrive."""
    recording = Recording(
        sent_ns=array("q", [10, 20, 30, 40, 50, 60]),
        arrived_ns=array("q", [11, 90, 31, 41, 51, 85]),
        copies=bytes([1] * 6),
    )
    assert recording.window(20, 30).longest_gap_s == pytest.approx(34e-9), "from 51 to 85"


@pytest.mark.parametrize("shift", [1, 1448, 4096, 65536, 1 << 20])
def test_pattern_notices_bytes_from_elsewhere(shift: int) -> None:
    pattern = Pattern()
    assert pattern.fits(bytes(pattern.at(5_000_000, 1448)), 5_000_000)
    assert not pattern.fits(bytes(pattern.at(5_000_000 + shift, 1448)), 5_000_000)
