# SPDX-License-Identifier: GPL-2.0-only
"""Traffic between the guest and its peer."""

from netvsc_bpf.lab.tcp import TcpPlan, TcpStream
from netvsc_bpf.lab.udp import UdpPlan, UdpResult, UdpStream
from tests.kernel.support.waiting import eventually
from tests.vm.sriov import ADDRESS, GUEST, PEER, PEER_ADDRESS, DriverLoss, SriovPair

RATE = 250
"""Packets a second: an emulated processor has to keep up with both ends and the NICs between them."""

QUEUED = 3
"""The number of packets that may be in the ring of a VF that is closed: those of 10 ms."""

_QUEUED_NS = 20_000_000
"""Packets in a VF's transmit ring were sent less than this long ago."""

END_NS = 2**63 - 1
"""The end of a stretch of time that lasts as long as its stream."""


def udp() -> UdpStream:
    return UdpStream(UdpPlan(GUEST, PEER, PEER_ADDRESS, rate=RATE))


def udp_back() -> UdpStream:
    """From the peer to the guest."""
    return UdpStream(UdpPlan(PEER, GUEST, ADDRESS, rate=RATE))


def tcp() -> TcpStream:
    return TcpStream(TcpPlan(GUEST, PEER, PEER_ADDRESS))


def go_on(*streams: UdpStream) -> None:
    """Wait until each receiver has had another second's worth."""
    goals = [stream.received + RATE for stream in streams]
    eventually(
        "traffic goes on",
        lambda: all(stream.received >= goal for stream, goal in zip(streams, goals, strict=True)),
    )


def lost(result: UdpResult, *left_at_ns: int, queued: int = 1) -> int:
    """Count what was lost, but for what the VF had queued when it was taken away: that goes with its driver.

    No more than `queued` packets for each of these moments (CLOCK_MONOTONIC) at which the kernel left it, and
    none that was sent later, though the packets after it may be lost too.
    """
    excused = (result.window(at - _QUEUED_NS, at).lost for at in left_at_ns)
    return result.lost - result.receiver_drops - sum(min(queued, one) for one in excused)


def lost_by_driver(pair: SriovPair, result: UdpResult, before: DriverLoss, *away: tuple[int, int]) -> int:
    """Count what was lost while the path was synthetic and was not lost by us.

    All that is sent then goes to the synthetic NIC's own driver. What that sends by the VF, and the VF does
    not transmit, is its loss: no more than both have grown since they were `before` (DriverLoss).
    `away` are stretches of CLOCK_MONOTONIC, ns.
    """
    lost_then = sum(result.window(begin, end).lost for begin, end in away)
    now = pair.lost_by_driver()
    return min(lost_then, now.sent - before.sent, now.lost - before.lost)
