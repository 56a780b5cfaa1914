# SPDX-License-Identifier: GPL-2.0-only
"""Traffic from the guest to its peer."""

from netvsc_bpf.lab.tcp import TcpPlan, TcpStream
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from tests.kernel.support.waiting import eventually
from tests.vm.sriov import GUEST, PEER, PEER_ADDRESS

RATE = 500
"""Packets a second: an emulated processor has to keep up with both ends and the NICs between them."""


def udp() -> UdpStream:
    return UdpStream(UdpPlan(GUEST, PEER, PEER_ADDRESS, rate=RATE))


def tcp() -> TcpStream:
    return TcpStream(TcpPlan(GUEST, PEER, PEER_ADDRESS))


def go_on(stream: UdpStream) -> None:
    """Wait until the peer has had another second's worth."""
    goal = stream.received + RATE
    eventually("traffic goes on", lambda: stream.received >= goal)
