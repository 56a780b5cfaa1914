# SPDX-License-Identifier: GPL-2.0-only
"""Lists VLAN devices and macvlans, and adds VLAN devices to a VF to sync ids to its VLAN filter.

A NIC with a VLAN filter drops frames with ids that were not added to it. The kernel adds the ids of its VLAN
devices (register_vlan_dev(), vlan_vid_add(), net/8021q); userspace has no other way. So an id is synced by a
VLAN device on the VF. Its name identifies it as one of netvsc-bpf's, and its VF, so that no record is needed.
It has no address and never comes up: with a loose binding it does not follow the VF (vlan_device_event()).
Frames received by the VF never reach it, because home runs before it (__netif_receive_skb_core()).
"""

import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.kernel.net.ethtool_features import active_features
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Message,
    Rtnetlink,
    attribute,
    attributes,
)
from netvsc_bpf.model import names
from netvsc_bpf.model.nic import SYNCED_VLAN_PREFIX

_RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK = 16, 17, 18
_IFINFOMSG = struct.Struct("=BxHiII")
# include/uapi/linux/if_link.h
_IFLA_IFNAME, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_IFALIAS, _IFLA_EXT_MASK, _IFLA_LINK_NETNSID = (
    3,
    5,
    18,
    20,
    29,
    37,
)
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_IFLA_VLAN_ID, _IFLA_VLAN_FLAGS, _IFLA_VLAN_PROTOCOL = 1, 2, 5
_SKIP_STATS = 1 << 3  # RTEXT_FILTER_SKIP_STATS
_LOOSE_BINDING = 0x4  # VLAN_FLAG_LOOSE_BINDING, include/uapi/linux/if_vlan.h
_CONFIG = Path("/proc/thread-self/net/vlan/config")

C_TAG, S_TAG = 0x8100, 0x88A8  # IEEE 802.1Q, 802.1ad
_FILTERS = {C_TAG: "rx-vlan-filter", S_TAG: "rx-vlan-stag-filter"}  # net/ethtool/common.c
_SERVICE = "s"


@dataclass(frozen=True, slots=True, order=True)
class Vlan:
    """The contents of a VLAN tag."""

    protocol: int
    id: int

    def __str__(self) -> str:
        return f"{_SERVICE if self.protocol == S_TAG else ''}{self.id}"


@dataclass(frozen=True, slots=True)
class Stacked:
    """A VLAN device or macvlan of this namespace."""

    ifindex: int
    name: str
    on: int | None
    """The ifindex of its lower device; None if that is in another namespace."""
    vlan: Vlan | None
    """None for a macvlan."""


def no_vlans() -> bool:
    """Return cheaply whether this thread's network namespace has no VLAN device at all."""
    try:
        return _CONFIG.read_bytes().count(b"\n") <= 2  # two lines of heading
    except FileNotFoundError:
        return True  # no 8021q
    except PermissionError:
        return False  # only root may read the file (mode 0600, net/8021q/vlanproc.c): list the links instead


def stacked(rtnl: Rtnetlink) -> list[Stacked]:
    """Return the VLAN devices and macvlans of this thread's network namespace. Raises OSError."""
    body = _IFINFOMSG.pack(0, 0, 0, 0, 0) + attribute(_IFLA_EXT_MASK, struct.pack("=I", _SKIP_STATS))
    parsed = map(parse, rtnl.dump(_RTM_GETLINK, body))
    return [one for one in parsed if one is not None]


def parse(message: Message) -> Stacked | None:
    """Parse one RTM_NEWLINK; None if it is neither. Pure."""
    _, _, ifindex, _, _ = _IFINFOMSG.unpack_from(message.body)
    found = message.attributes(_IFINFOMSG.size)
    info = attributes(found.get(_IFLA_LINKINFO, b""))
    kind = names.decode(info.get(_IFLA_INFO_KIND, b""))
    if kind not in ("vlan", "macvlan"):
        return None
    here = _IFLA_LINK in found and _IFLA_LINK_NETNSID not in found
    data = attributes(info.get(_IFLA_INFO_DATA, b""))
    vlan = None
    if kind == "vlan":
        (number,) = struct.unpack("=H", data[_IFLA_VLAN_ID])
        (protocol,) = struct.unpack("!H", data[_IFLA_VLAN_PROTOCOL])
        vlan = Vlan(protocol, number)
    on = struct.unpack("=I", found[_IFLA_LINK])[0] if here else None
    return Stacked(ifindex, names.decode(found[_IFLA_IFNAME]), on, vlan)


def ids_on(ifindex: int, all_stacked: Iterable[Stacked]) -> frozenset[Vlan]:
    """Return the VLANs of an interface: of VLAN devices on it, or on a macvlan on it, which passes them down.

    Pure. Without id 0, which marks a priority and not a VLAN: the kernel handles it itself.
    """
    every = list(all_stacked)
    found: set[Vlan] = set()
    for one in every:
        if one.on == ifindex and one.vlan is not None and one.vlan.id:
            found.add(one.vlan)
        elif one.on == ifindex and one.vlan is None and one.ifindex != ifindex:
            found |= ids_on(one.ifindex, every)
    return frozenset(found)


def synced_name(vf: int, vlan: Vlan) -> str:
    """Return the name of the device that syncs an id to a VF (by ifindex). Pure."""
    return f"{SYNCED_VLAN_PREFIX}{vf}.{vlan}"


def filters_of(name: str) -> frozenset[int]:
    """Return the tags (C_TAG, S_TAG) for which the VLAN filter of an interface is on. Raises OSError."""
    active = active_features(name)
    return frozenset(tag for tag, feature in _FILTERS.items() if feature in active)


def filtered(name: str, wanted: Iterable[Vlan]) -> list[Vlan]:
    """Return those of these VLANs that the VLAN filter of an interface applies to. Raises OSError."""
    ids = list(wanted)
    tags = filters_of(name) if ids else frozenset()
    return [vlan for vlan in ids if vlan.protocol in tags]


def sync(rtnl: Rtnetlink, vf: int, vlan: Vlan, owner: str) -> None:
    """Add a VLAN id of the synthetic NIC `owner` to the VLAN filter of a VF. Raises KernelError."""
    data = (
        attribute(_IFLA_VLAN_ID, struct.pack("=H", vlan.id))
        + attribute(_IFLA_VLAN_PROTOCOL, struct.pack("!H", vlan.protocol))
        + attribute(_IFLA_VLAN_FLAGS, struct.pack("=II", _LOOSE_BINDING, _LOOSE_BINDING))
    )
    info = attribute(_IFLA_INFO_KIND, b"vlan\0") + attribute(_IFLA_INFO_DATA, data)
    name = attribute(_IFLA_IFNAME, synced_name(vf, vlan).encode() + b"\0")
    body = _IFINFOMSG.pack(0, 0, 0, 0, 0) + name + attribute(_IFLA_LINK, struct.pack("=I", vf))
    with changing(f"cannot sync VLAN {vlan} of {owner} to its VF"):
        rtnl.request(_RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body + attribute(_IFLA_LINKINFO, info))
        # An alias explains the device in `ip link`; it cannot be set when the link is created.
        alias = attribute(_IFLA_IFALIAS, names.encode(f"netvsc-bpf: syncs VLAN {vlan} of {owner} to its VF"))
        rtnl.request(_RTM_NEWLINK, 0, _IFINFOMSG.pack(0, 0, 0, 0, 0) + name + alias)


def remove(rtnl: Rtnetlink, ifindex: int) -> None:
    """Remove such a device; does nothing if it is gone. Raises KernelError."""
    with changing(f"cannot remove interface {ifindex}"):
        try:
            rtnl.request(_RTM_DELLINK, 0, _IFINFOMSG.pack(0, 0, ifindex, 0, 0))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
