# SPDX-License-Identifier: GPL-2.0-only
"""The cases of `make bench-guard`, on both sides of the guest's wall."""

from dataclasses import dataclass
from enum import StrEnum


class Nic(StrEnum):
    """By which NIC of the pair frames arrive."""

    SYNTHETIC = "synthetic NIC"
    VF = "VF"


class Frame(StrEnum):
    """What arrives."""

    UNICAST = "unicast"
    """For the pair's MAC, untagged."""
    BROADCAST = "broadcast"


class Pair(StrEnum):
    """What is attached."""

    NONE = "nothing attached"
    OFF = "guard off"
    EVIDENCE = "guard evidence"


class InUse(StrEnum):
    """Which path is in use."""

    NONE = "-"
    SYNTHETIC = "synthetic"
    VF = "vf"


@dataclass(frozen=True, slots=True)
class Case:
    """One case."""

    pair: Pair
    path: InUse
    nic: Nic
    frame: Frame

    @property
    def bare(self) -> "Case":
        """The same frame by the same NIC with nothing attached."""
        return Case(Pair.NONE, InUse.NONE, self.nic, self.frame)

    @property
    def unguarded(self) -> "Case":
        """The same frame by the same NIC with guard off: what of the cost is not guard's.

        Once a tcx link exists anywhere, the kernel looks for programs on each frame (tcx_needed).
        """
        return Case(Pair.OFF, InUse.VF, self.nic, self.frame)

    @property
    def name(self) -> str:
        """Return it in words, by which its figures are stored."""
        return f"{self.pair}, path {self.path}: {self.frame} by the {self.nic}"


_ANY = [(nic, frame) for nic in Nic for frame in Frame]
CASES = (
    *(Case(Pair.NONE, InUse.NONE, nic, frame) for nic, frame in _ANY),
    *(Case(Pair.OFF, InUse.VF, nic, frame) for nic, frame in _ANY),
    *(Case(Pair.EVIDENCE, InUse.VF, nic, frame) for nic, frame in _ANY),
    *(Case(Pair.EVIDENCE, InUse.SYNTHETIC, Nic.SYNTHETIC, frame) for frame in Frame),
)
