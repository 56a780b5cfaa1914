# SPDX-License-Identifier: GPL-2.0-only
"""A network interface as described by the kernel, and a pair of two."""

from dataclasses import dataclass

SYNCED_VLAN_PREFIX = "nvb"
"""Prefix of the names of VLAN devices that netvsc-bpf adds to VFs (kernel/net/vlan_devices.py)."""


@dataclass(frozen=True, slots=True)
class Nic:
    """One interface of one network namespace.

    Fields follow rtnetlink's RTM_NEWLINK (linux/if_link.h) and sysfs; sizes are bytes.
    """

    ifindex: int
    name: str
    mac: str
    mtu: int
    up: bool
    """IFF_UP: administratively up."""
    carrier: bool
    """IFLA_CARRIER."""
    kind: str | None = None
    """IFLA_INFO_KIND: veth, vlan, bridge, bond, ...; None for a hardware driver."""
    driver: str | None = None
    """The driver bound to the parent device, or the kind if there is no parent."""
    bus: str | None = None
    """IFLA_PARENT_DEV_BUS_NAME: pci, vmbus, virtio, usb, ..."""
    parent: str | None = None
    """IFLA_PARENT_DEV_NAME: the address on that bus, like 7c4b:00:02.0."""
    altnames: tuple[str, ...] = ()
    """IFLA_ALT_IFNAME: alternative names, up to 127 bytes each."""
    permanent_mac: str | None = None
    """IFLA_PERM_ADDRESS: the permanent MAC, which stays when the MAC is changed.

    None if the driver has none (veth), and before Linux 5.6.
    """
    serial: int | None = None
    """The number of the PCI slot, if it has one (pci-hyperv names slots by the host's serial)."""
    link_type: int = 1
    """ARPHRD_* (linux/if_arp.h): 1 Ethernet, 32 InfiniBand, 772 loopback."""
    loopback: bool = False
    master: int | None = None
    """IFLA_MASTER: the ifindex of the bridge, bond or synthetic NIC that owns it."""
    vlan_aware: bool = False
    """It is a bridge that filters by VLAN."""
    link: int | None = None
    """IFLA_LINK, if in this namespace: the lower device of a VLAN or macvlan, or the peer of a veth."""
    promiscuity: int = 0
    """IFLA_PROMISCUITY: the number of users that requested all frames."""
    allmulti: int = 0
    """IFLA_ALLMULTI.

    The number of users that requested all multicast frames; 0 if the kernel does not report it (before 6.0).
    """
    gso_max_size: int = 65536
    gso_max_segs: int = 65535
    ipv6_disabled: bool | None = None
    """net.ipv6.conf.<name>.disable_ipv6; None if the device has no IPv6 state."""
    addr_gen_mode: int | None = None
    """IN6_ADDR_GEN_MODE_* (linux/if_link.h): 0 EUI-64, 1 none, ..."""
    xdp_prog_id: int | None = None
    xdp_generic: bool = False
    """The XDP program runs in generic mode: in the stack, not in the driver."""
    rx_packets: int = 0
    rx_bytes: int = 0
    tx_dropped: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    rx_missed: int = 0
    """rx_missed_errors: frames that the device had no buffer for (struct rtnl_link_stats64)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A synthetic NIC and its VF, if it has one now."""

    synthetic: Nic
    vf: Nic | None
