# SPDX-License-Identifier: GPL-2.0-only
"""The plan of a lab: names, addresses, sizes. Pure values, no I/O."""

from dataclasses import dataclass
from enum import StrEnum

MAX_PAIRS = 256
"""The third octet of the addresses counts the pairs; a bridge would take 1023 ports."""


class Fabric(StrEnum):
    """How the network treats the two ports of a pair."""

    HUB = "hub"
    """A hub: every frame goes to all ports except the one it came from."""
    LEARNING = "learning"
    """A plain switch: floods unknown addresses to both ports, forgets a port that loses its carrier."""
    SNOOPING = "snooping"
    """A learning switch and IGMP querier: a group goes to the ports that reported a member.
    There is no MLD querier, so IPv6 multicast is flooded."""
    HOST = "host"
    """A host's virtual switch: never floods to a VF, uses the synthetic port while the VF is out."""
    EMBEDDED = "embedded"
    """The embedded switch of a NIC (VEB). It delivers the pair's MAC to the VF's port while that has carrier,
    else to the synthetic port, regardless of who sent last: it learns from the uplink only. Broadcast,
    multicast and unknown addresses go to the synthetic port too, as to a promiscuous PF in a bridge."""
    NONE = "none"
    """The far ends are up but not connected: cheap, for many pairs."""


@dataclass(frozen=True, slots=True)
class PairPlan:
    """Names and addresses of one pair and of its two ports."""

    number: int
    synthetic: str
    vf: str
    mac: str
    address: str
    peer_address: str
    address6: str
    peer_address6: str

    @property
    def synthetic_port(self) -> str:
        """The fabric's end of the synthetic path."""
        return f"syn{self.number}"

    @property
    def vf_port(self) -> str:
        """The fabric's end of the VF."""
        return f"vf{self.number}"


@dataclass(frozen=True, slots=True)
class LabPlan:
    """What to build. Pair 0 is ``eth0`` and ``vf0`` with 10.99.0.1 and fd99::1; its peer has .2 and ::2."""

    pairs: int = 1
    vf: bool = True
    """Start with the VFs plugged in and up."""
    mtu: int = 1500
    """Bytes, on every NIC and port."""
    fabric: Fabric = Fabric.LEARNING
    synthetic: str = "eth"
    """Prefix of the pair's number."""
    vf_name: str = "vf"

    def __post_init__(self) -> None:
        if not 1 <= self.pairs <= MAX_PAIRS:
            raise ValueError(f"a lab has 1 to {MAX_PAIRS} pairs, not {self.pairs}")

    def pair(self, number: int) -> PairPlan:
        """Return the plan of one pair, counted from 0.

        Raises:
            ValueError: the lab has no such pair.
        """
        if not 0 <= number < self.pairs:
            raise ValueError(f"no pair {number} in a lab of {self.pairs}")
        net6 = "fd99:" if number == 0 else f"fd99:0:0:{number:x}:"
        return PairPlan(
            number=number,
            synthetic=f"{self.synthetic}{number}",
            vf=f"{self.vf_name}{number}",
            mac="00:15:5d:01:02:03" if number == 0 else f"00:15:5d:02:00:{number:02x}",
            address=f"10.99.{number}.1",
            peer_address=f"10.99.{number}.2",
            address6=f"{net6}:1",
            peer_address6=f"{net6}:2",
        )
