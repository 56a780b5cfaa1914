# SPDX-License-Identifier: GPL-2.0-only
"""The reason why a NIC with the right MAC was not taken as VF."""

from dataclasses import dataclass
from enum import StrEnum

from netvsc_bpf.model.nic import Nic


class Cause(StrEnum):
    """The closed set of causes, which distinguishes normal ones from those that need a warning."""

    UNFIT = "unfit"
    """Upper device, not Ethernet, loopback: normal, for example a VLAN on the pair."""
    NOT_PCI = "not-pci"
    PARAVIRTUAL = "paravirtual"
    SECOND_VF = "second-vf"
    """Warning: another VF is in use, this one was not expected."""
    IN_USE = "in-use"
    """Warning: it belongs to a bridge, bond or OVS."""
    OTHER_PAIR = "other-pair"
    """A member of another pair, or with a stronger claim by one: normal if two pairs have the same MAC."""
    MAC_DIFFERS = "mac-differs"
    """Warning: the VF in use no longer has the pair's MAC."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One NIC that was not taken. ``reason`` is the end of a sentence that begins with its name."""

    nic: Nic
    reason: str
    cause: Cause
