# SPDX-License-Identifier: GPL-2.0-only
"""What may be half of a pair at all, judged from one NIC by itself. Pure."""

from netvsc_bpf.model.nic import SYNCED_VLAN_PREFIX, Nic

ARPHRD_ETHER = 1
ARPHRD_INFINIBAND = 32

PARAVIRTUAL_DRIVERS = frozenset({"hv_netvsc", "virtio_net", "vif", "xen_netfront", "vmxnet3"})
"""Drivers of NICs that the hypervisor always gives: the synthetic half. "vif" is xen-netfront on its bus."""

STANDALONE_KINDS = frozenset({None, "veth", "tun", "dummy", "ifb", "netdevsim"})
"""Kinds of interface that carry frames themselves. None is a hardware driver.

Every other kind (vlan, macvlan, macvtap, ipvlan, bond, team, bridge, openvswitch, vrf, vxlan, macsec, ...)
sits on top of other interfaces and may well carry the MAC of the one below it: redirecting into it would
loop. What is not listed is refused, so that a kind invented tomorrow is refused too.
"""

_NO_ADDRESS = frozenset({"", "00:00:00:00:00:00"})


def is_stacked(nic: Nic) -> bool:
    """Return whether ``nic`` is built upon other interfaces rather than being one itself."""
    return nic.kind not in STANDALONE_KINDS


def is_paravirtual(nic: Nic) -> bool:
    """Return whether the driver of ``nic`` is one of the known synthetic NICs."""
    return nic.driver in PARAVIRTUAL_DRIVERS


def is_synced_vlan(nic: Nic) -> bool:
    """Return whether ``nic`` is a VLAN device that we put on a VF ourselves: nobody has to be told of it."""
    return nic.kind == "vlan" and nic.name.startswith(SYNCED_VLAN_PREFIX)


def why_unfit(nic: Nic) -> str | None:
    """Return why ``nic`` can be neither half of a pair, as the end of a sentence; None when it can."""
    if nic.loopback:
        return "it is the loopback interface"
    if nic.link_type == ARPHRD_INFINIBAND:
        return "it is an InfiniBand interface, whose frames are not Ethernet"
    if nic.link_type != ARPHRD_ETHER:
        return f"it is not an Ethernet interface (ARPHRD type {nic.link_type})"
    if is_stacked(nic):
        return f"it is a {nic.kind} interface, built upon others"
    if nic.mac in _NO_ADDRESS:
        return "it has no MAC address"
    return None
