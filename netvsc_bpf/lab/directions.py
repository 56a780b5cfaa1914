# SPDX-License-Identifier: GPL-2.0-only
"""Streams between the guest and the peer of a lab, by direction."""

from enum import StrEnum

from netvsc_bpf.lab.tcp import TcpPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan


class Direction(StrEnum):
    """Direction as seen from the guest, like the counters of the data path."""

    TX = "tx"
    RX = "rx"


def udp_plan(lab: Lab, direction: Direction, *, rate: int, pair: int = 0, ipv6: bool = False) -> UdpPlan:
    """Plan a numbered stream of ``rate`` packets a second over one pair."""
    return UdpPlan(*_ends(lab, direction, pair, ipv6), rate=rate)


def tcp_plan(lab: Lab, direction: Direction, *, rate: int = 0, pair: int = 0, ipv6: bool = False) -> TcpPlan:
    """Plan a checked stream of ``rate`` bytes a second (0: unlimited) over one pair."""
    return TcpPlan(*_ends(lab, direction, pair, ipv6), rate=rate)


def _ends(lab: Lab, direction: Direction, pair: int, ipv6: bool) -> tuple[str, str, str]:
    plan = lab.plan.pair(pair)
    if direction is Direction.TX:
        return lab.guest, lab.peer, plan.peer_address6 if ipv6 else plan.peer_address
    return lab.peer, lab.guest, plan.address6 if ipv6 else plan.address
