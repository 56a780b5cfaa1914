# SPDX-License-Identifier: GPL-2.0-only
"""What the tests in guests forgive: packets that a VF had queued when it was taken away, and no others."""

from array import array

import pytest

from netvsc_bpf.lab.recording import Recording
from netvsc_bpf.lab.udp import UdpResult
from tests.vm.streams import lost

MS = 1_000_000
LEFT_AT = 1000 * MS


def stream(*sent_and_lost_ms: int) -> UdpResult:
    """A packet each millisecond around the moment at which the VF was left; these did not arrive."""
    sent = array("q", (LEFT_AT + number * MS for number in range(-50, 50)))
    copies = bytes((when - LEFT_AT) // MS not in sent_and_lost_ms for when in sent)
    arrived = array("q", (when * copy for when, copy in zip(sent, copies, strict=True)))
    recording = Recording(sent, arrived, copies)
    return UdpResult(recording.all(), refused=0, receiver_drops=0, foreign=0, recording=recording)


@pytest.mark.parametrize(
    ("lost_ms", "counted"),
    [
        ((), 0),
        ((-1,), 0),
        ((-2, -1), 0),
        ((-4, -3, -2, -1), 1),  # more than were queued
        ((-1, 0), 1),  # one run of two, the second sent after it was left
        ((0,), 1),
        ((-30,), 1),  # long sent
    ],
)
def test_packets_that_were_queued_are_not_counted(lost_ms: tuple[int, ...], counted: int) -> None:
    assert lost(stream(*lost_ms), LEFT_AT, queued=3) == counted
