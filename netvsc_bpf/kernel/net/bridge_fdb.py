# SPDX-License-Identifier: GPL-2.0-only
"""Reads the forwarding table of a bridge, and the VLANs of its ports."""

import socket
import struct
from dataclasses import dataclass

from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink, attribute, attributes, each_attribute

_RTM_GETNEIGH, _RTM_GETVLAN = 30, 114
_NDMSG = struct.Struct("=BBHiHBB")  # struct ndmsg, include/uapi/linux/neighbour.h
_BR_VLAN_MSG = struct.Struct("=BBHI")  # struct br_vlan_msg, include/uapi/linux/if_bridge.h
_NDA_LLADDR, _NDA_VLAN, _NDA_MASTER, _NDA_FLAGS_EXT = 2, 5, 9, 15
_NTF_EXT_LOCKED = 1 << 1
_NUD_REACHABLE, _NUD_NOARP = 0x02, 0x40
_ENTRY, _ENTRY_INFO, _ENTRY_RANGE = 1, 1, 2  # BRIDGE_VLANDB_ENTRY and what is in it
_VLAN_INFO = struct.Struct("=HH")  # struct bridge_vlan_info: flags, vid
_UNTAGGED = 1 << 2  # BRIDGE_VLAN_INFO_UNTAGGED


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """One entry: frames to `mac` in `vlan` are forwarded to `port` (ifindex)."""

    mac: bytes
    port: int
    """The bridge itself if the address is the bridge's own."""
    vlan: int
    """0 if the bridge does not filter by VLAN."""
    station: bool
    """A station is there: it was heard within the ageing time, or an administrator says so (static entry).

    The rest are the bridge's and its ports' own addresses (`permanent`), expired entries, and stations that
    have not authenticated yet (`locked`).
    """


def forwarding_table(rtnl: Rtnetlink, bridge: int) -> list[FdbEntry]:
    """Return the unicast entries of a bridge (ifindex). Raises OSError.

    The dump takes RTNL (rtnl_fdb_dump()), and goes through the whole table once for each port.
    """
    request = _NDMSG.pack(socket.AF_BRIDGE, 0, 0, 0, 0, 0, 0)
    request += attribute(_NDA_MASTER, struct.pack("=I", bridge))
    parsed = (parse_entry(message, bridge) for message in rtnl.dump(_RTM_GETNEIGH, request))
    return [entry for entry in parsed if entry is not None]


def parse_entry(message: Message, bridge: int) -> FdbEntry | None:
    """Parse one RTM_NEWNEIGH; None for what is not an entry of this bridge. Pure.

    The dump also contains the address lists of the ports' drivers, which have no NDA_MASTER.
    """
    family, _, _, port, state, _, _ = _NDMSG.unpack_from(message.body)
    found = message.attributes(_NDMSG.size)
    mac, master = found.get(_NDA_LLADDR, b""), found.get(_NDA_MASTER)
    ours = master is not None and _u32(master) == bridge
    if family != socket.AF_BRIDGE or not ours or len(mac) != 6 or mac[0] & 1:
        return None
    locked = bool(_u32(found.get(_NDA_FLAGS_EXT, bytes(4))) & _NTF_EXT_LOCKED)
    station = bool(state & (_NUD_REACHABLE | _NUD_NOARP)) and not locked  # fdb_to_nud(), net/bridge/br_fdb.c
    return FdbEntry(mac, port, int(struct.unpack("=H", found.get(_NDA_VLAN, bytes(2)))[0]), station)


def port_vlans(rtnl: Rtnetlink, port: int) -> dict[int, bool]:
    """Return the VLANs of a port (ifindex), and whether it sends them with a tag. Raises OSError.

    It takes no lock but RCU (br_vlan_rtm_dump()). All ports are dumped: with an ifindex in the request,
    kernels before 5.17 without the fix repeat the same entries for ever.
    """
    found: dict[int, bool] = {}
    for message in rtnl.dump(_RTM_GETVLAN, _BR_VLAN_MSG.pack(socket.AF_BRIDGE, 0, 0, 0)):
        found |= parse_vlans(message, port)
    return found


def parse_vlans(message: Message, port: int) -> dict[int, bool]:
    """Parse one RTM_NEWVLAN, as port_vlans() does; empty for another port. Pure."""
    if _BR_VLAN_MSG.unpack_from(message.body)[3] != port:
        return {}
    found: dict[int, bool] = {}
    for kind, value in each_attribute(message.body[_BR_VLAN_MSG.size :]):
        entry = attributes(value) if kind == _ENTRY else {}
        if _ENTRY_INFO in entry:
            flags, first = _VLAN_INFO.unpack(entry[_ENTRY_INFO])
            last = int(struct.unpack("=H", entry[_ENTRY_RANGE])[0]) if _ENTRY_RANGE in entry else first
            found |= dict.fromkeys(range(first, last + 1), not flags & _UNTAGGED)
    return found


def _u32(raw: bytes) -> int:
    return int(struct.unpack("=I", raw)[0])
