# SPDX-License-Identifier: GPL-2.0-only
"""The NICs that the discovery tests speak of, and how real kernels show them in messages and in sysfs."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from netvsc_bpf.kernel.net.rtnetlink import Message
from netvsc_bpf.model.nic import Nic

MAC = "00:22:48:0a:0b:0c"
OTHER_MAC = "02:00:00:00:00:99"
ETH0_GUID = "0022480a-0b0c-0022-480a-0b0c0022480a"
IFF_UP = 0x1
IFF_LOOPBACK = 0x8
_RTM_NEWLINK, _NLMSG_HEADER = 16, 16

NETVSC = Nic(2, "eth0", MAC, 1500, True, True, driver="hv_netvsc", bus="vmbus", parent=ETH0_GUID)
VF = Nic(
    5, "enP31819s1", MAC, 1500, True, True, driver="mlx5_core", bus="pci", parent="7c4b:00:02.0", serial=1
)
VIRTIO = Nic(2, "eth0", MAC, 1500, True, True, driver="virtio_net", bus="virtio", parent="virtio1")
IGBVF = Nic(6, "enp1s0v0", MAC, 1500, True, True, driver="igbvf", bus="pci", parent="0000:01:10.0")
LOOPBACK = Nic(1, "lo", "00:00:00:00:00:00", 65536, True, True, link_type=772, loopback=True)
BRIDGE = Nic(9, "br0", OTHER_MAC, 1500, True, True, kind="bridge", driver="bridge")
VETH = Nic(7, "veth0", MAC, 1500, True, True, kind="veth", driver="veth")


def stacked(kind: str, ifindex: int = 20, mac: str = MAC) -> Nic:
    """Return an interface of a kind that sits upon others, with the MAC of the pair."""
    return Nic(ifindex, f"{kind}0", mac, 1500, True, True, kind=kind, driver=kind)


def second_vf(**changes: Any) -> Nic:
    """Return another VF with the MAC of the pair."""
    other = replace(VF, ifindex=8, name="enP31820s2", parent="7c4c:00:02.0", serial=2)
    return replace(other, **changes)


def newlink(nic: Nic, *, attributes: Iterable[tuple[str, Any]] = ()) -> Message:
    """Return the RTM_NEWLINK of ``nic`` as a socket returns it, encoded by another library."""
    message = ifinfmsg()
    message["index"] = nic.ifindex
    message["flags"] = (IFF_UP if nic.up else 0) | (IFF_LOOPBACK if nic.loopback else 0)
    message["ifi_type"] = nic.link_type
    message["attrs"] = [
        ("IFLA_IFNAME", nic.name),
        ("IFLA_MTU", nic.mtu),
        ("IFLA_CARRIER", int(nic.carrier)),
        ("IFLA_GSO_MAX_SEGS", nic.gso_max_segs),
        ("IFLA_GSO_MAX_SIZE", nic.gso_max_size),
        *([("IFLA_ADDRESS", nic.mac)] if nic.mac else []),
        *([("IFLA_MASTER", nic.master)] if nic.master else []),
        *([("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", nic.kind)]})] if nic.kind else []),
        *([("IFLA_PARENT_DEV_NAME", nic.parent)] if nic.parent else []),
        *([("IFLA_PARENT_DEV_BUS_NAME", nic.bus)] if nic.bus else []),
        *attributes,
    ]
    message.encode()
    return Message(_RTM_NEWLINK, bytes(message.data)[_NLMSG_HEADER:])


def add_device(sysfs: Path, bus: str, device: str, driver: str | None) -> None:
    """Put a device, and its driver if it has one, where sysfs shows them."""
    folder = sysfs / "bus" / bus / "devices" / device
    folder.mkdir(parents=True)
    if driver is not None:
        home = sysfs / "bus" / bus / "drivers" / driver
        home.mkdir(parents=True, exist_ok=True)
        (folder / "driver").symlink_to(home)


def add_slot(sysfs: Path, name: str, address: str) -> None:
    """Put a PCI slot where sysfs shows it."""
    slot = sysfs / "bus" / "pci" / "slots" / name
    slot.mkdir(parents=True)
    (slot / "address").write_text(f"{address}\n")
