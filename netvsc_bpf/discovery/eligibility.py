# SPDX-License-Identifier: GPL-2.0-only
"""Decides whether a NIC can be a member of a pair, from its own properties only. Pure."""

from netvsc_bpf.model.nic import SYNCED_VLAN_PREFIX, Nic

ARPHRD_ETHER = 1
ARPHRD_INFINIBAND = 32

PARAVIRTUAL_DRIVERS = frozenset({"hv_netvsc", "virtio_net", "vif", "xen_netfront", "vmxnet3"})
"""Drivers of paravirtual NICs, the synthetic member of a pair. "vif" is xen-netfront's name on its bus."""

STANDALONE_KINDS = frozenset({None, "veth", "tun", "dummy", "ifb", "netdevsim"})
"""Kinds of interfaces that carry frames themselves. None is a hardware driver.

Every other kind (vlan, macvlan, macvtap, ipvlan, bond, team, bridge, openvswitch, vrf, vxlan, macsec, ...) is
an upper device of other interfaces and may have the MAC of its lower device: redirecting to it would loop. A
kind that is not listed is refused, including future ones.
"""

_NO_ADDRESS = frozenset({"", "00:00:00:00:00:00"})


def is_stacked(nic: Nic) -> bool:
    """Return whether ``nic`` is an upper device of other interfaces."""
    return nic.kind not in STANDALONE_KINDS


def is_paravirtual(nic: Nic) -> bool:
    """Return whether the driver of ``nic`` is one of the known synthetic NICs."""
    return nic.driver in PARAVIRTUAL_DRIVERS


def is_synced_vlan(nic: Nic) -> bool:
    """Return whether ``nic`` is a VLAN device that netvsc-bpf added to a VF; it is not reported."""
    return nic.kind == "vlan" and nic.name.startswith(SYNCED_VLAN_PREFIX)


def why_unfit(nic: Nic) -> str | None:
    """Return why ``nic`` cannot be a member of a pair, as the end of a sentence; None if it can."""
    if nic.loopback:
        return "it is the loopback interface"
    if nic.link_type == ARPHRD_INFINIBAND:
        return "it is an InfiniBand interface, whose frames are not Ethernet"
    if nic.link_type != ARPHRD_ETHER:
        return f"it is not an Ethernet interface (ARPHRD type {nic.link_type})"
    if is_stacked(nic):
        return f"it is a {nic.kind} interface, on top of other interfaces"
    if nic.mac in _NO_ADDRESS:
        return "it has no MAC address"
    return None
