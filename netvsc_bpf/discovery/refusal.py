# SPDX-License-Identifier: GPL-2.0-only
"""Why a NIC with the right MAC was not taken as VF."""

from dataclasses import dataclass
from enum import StrEnum

from netvsc_bpf.model.nic import Nic


class Cause(StrEnum):
    """The closed set of causes, for whoever must tell what is everyday from what is alarming."""

    UNFIT = "unfit"
    """Stacked, not Ethernet, loopback: a VLAN upon the pair is everyday."""
    NOT_PCI = "not-pci"
    PARAVIRTUAL = "paravirtual"
    SECOND_VF = "second-vf"
    """Alarming: another VF is in use, this one was not expected."""
    IN_USE = "in-use"
    """Alarming: a bridge, bond or OVS owns it."""
    OTHER_PAIR = "other-pair"
    """A half of another pair, or claimed by one with more right: everyday where two pairs have one MAC."""
    MAC_DIFFERS = "mac-differs"
    """Alarming: the VF in use no longer carries the pair's MAC."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One NIC that was not taken. ``reason`` ends a sentence that the NIC's name begins."""

    nic: Nic
    reason: str
    cause: Cause
