# SPDX-License-Identifier: GPL-2.0-only
"""May packets that an interface receives be forwarded? The kernel does not permit LRO then.

It calls dev_disable_lro() for an interface that forwards IPv4 or IPv6 (net/ipv4/devinet.c,
net/ipv6/addrconf.c), for the ports of a bridge (br_add_if()) and of Open vSwitch, and for all their lower
devices. Upper devices in other network namespaces are not seen.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink, attribute, attributes
from netvsc_bpf.model import names

_RTM_GETLINK = 18
_IFINFOMSG = struct.Struct("=BxHiII")
# include/uapi/linux/if_link.h
_IFLA_LINK, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_AF_SPEC, _IFLA_EXT_MASK, _IFLA_LINK_NETNSID = (
    5,
    10,
    18,
    26,
    29,
    37,
)
_IFLA_INFO_KIND = 1
_CONF = {socket.AF_INET: 1, socket.AF_INET6: 2}
"""IFLA_INET_CONF, IFLA_INET6_CONF: arrays of 32 bits, each of which begins with `forwarding`."""
_SKIP_STATS = 1 << 3  # RTEXT_FILTER_SKIP_STATS
_STACKED = frozenset({"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"})
_SWITCHES = frozenset({"bridge", "openvswitch"})


@dataclass(frozen=True, slots=True)
class Forwarder:
    """What matters of one interface."""

    ifindex: int
    kind: str
    """IFLA_INFO_KIND, empty for a hardware driver."""
    lower: int | None = None
    """The ifindex of its lower device, if it is stacked on one in this namespace."""
    master: int | None = None
    forwarding: bool = False
    """net.ipv4.conf.<name>.forwarding or net.ipv6.conf.<name>.forwarding."""


def forwards(rtnl: Rtnetlink, ifindex: int) -> bool:
    """Return whether packets that an interface receives may be forwarded. Raises OSError."""
    skip_stats = attribute(_IFLA_EXT_MASK, struct.pack("=I", _SKIP_STATS))
    messages = rtnl.dump(_RTM_GETLINK, _IFINFOMSG.pack(0, 0, 0, 0, 0) + skip_stats)
    return forwards_among(ifindex, map(parse, messages))


def forwards_among(ifindex: int, interfaces: Iterable[Forwarder]) -> bool:
    """Return whether the interface, or an upper device of it, forwards or is a port of a switch. Pure."""
    known = {one.ifindex: one for one in interfaces}
    pending, seen = [ifindex], set[int]()
    while pending:
        one = known.get(pending.pop())
        if one is None or one.ifindex in seen:
            continue
        seen.add(one.ifindex)
        if one.forwarding or one.kind in _SWITCHES:
            return True
        pending += [upper.ifindex for upper in known.values() if upper.lower == one.ifindex]
        pending += [] if one.master is None else [one.master]
    return False


def parse(message: Message) -> Forwarder:
    """Parse one RTM_NEWLINK. Pure."""
    _, _, ifindex, _, _ = _IFINFOMSG.unpack_from(message.body)
    found = message.attributes(_IFINFOMSG.size)
    kind = names.decode(attributes(found.get(_IFLA_LINKINFO, b"")).get(_IFLA_INFO_KIND, b""))
    stacked = kind in _STACKED and _IFLA_LINK in found and _IFLA_LINK_NETNSID not in found
    families = attributes(found.get(_IFLA_AF_SPEC, b""))
    confs = [attributes(families.get(family, b"")).get(conf, b"") for family, conf in _CONF.items()]
    return Forwarder(
        ifindex,
        kind,
        lower=_u32(found[_IFLA_LINK]) if stacked else None,
        master=_u32(found[_IFLA_MASTER]) if _IFLA_MASTER in found else None,
        forwarding=any(len(conf) >= 4 and _u32(conf) for conf in confs),
    )


def _u32(raw: bytes) -> int:
    return int(struct.unpack_from("=I", raw)[0])
