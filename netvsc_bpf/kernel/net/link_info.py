# SPDX-License-Identifier: GPL-2.0-only
"""Parses IFLA_LINKINFO: the kind of an interface, and its state as a port of a bridge or bond. Pure."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from netvsc_bpf.kernel.net.rtnetlink import attributes

BRIDGE, BOND, VLAN, MACVLAN = "bridge", "bond", "vlan", "macvlan"
# include/uapi/linux/if_link.h
_KIND, _DATA, _PORT_KIND, _PORT_DATA = 1, 2, 4, 5  # IFLA_INFO_KIND to IFLA_INFO_SLAVE_DATA
_BR_VLAN_FILTERING, _BR_VLAN_PROTOCOL = 7, 8
_BRPORT_STATE, _FORWARDING = 1, 3  # BR_STATE_FORWARDING, include/uapi/linux/if_bridge.h
_BOND_MODE, _BOND_ACTIVE_PORT = 1, 2  # IFLA_BOND_ACTIVE_SLAVE
_ACTIVE_BACKUP = 1  # BOND_MODE_ACTIVEBACKUP, include/uapi/linux/if_bonding.h
_BOND_PORT_STATE, _BACKUP = 1, 1  # IFLA_BOND_SLAVE_STATE, BOND_STATE_BACKUP


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """What IFLA_LINKINFO says about an interface."""

    kind: str = ""
    """As in `ip link add type`; empty for hardware."""
    vlan_protocol: int | None = None
    """Of a bridge that filters by VLAN: the protocol of its tags (ETH_P_8021Q or ETH_P_8021AD)."""
    active_port: int | None = None
    """Of a bond in mode active-backup: the port (ifindex) that it uses."""
    standby: bool = False
    """It is a bridge port that does not forward, or a bond's backup port: its master sends nothing by it."""


def parse(info: Mapping[int, bytes]) -> LinkInfo:
    """Parse the attributes in IFLA_LINKINFO. Pure."""
    kind, data = _text(info.get(_KIND, b"")), attributes(info.get(_DATA, b""))
    port_kind, port = _text(info.get(_PORT_KIND, b"")), attributes(info.get(_PORT_DATA, b""))
    return LinkInfo(
        kind,
        vlan_protocol=_vlan_protocol(data) if kind == BRIDGE else None,
        active_port=_active_port(data) if kind == BOND else None,
        standby=(port_kind == BRIDGE and _u8(port, _BRPORT_STATE, _FORWARDING) != _FORWARDING)
        or (port_kind == BOND and _u8(port, _BOND_PORT_STATE) == _BACKUP),
    )


def _vlan_protocol(bridge: Mapping[int, bytes]) -> int | None:
    if not _u8(bridge, _BR_VLAN_FILTERING):
        return None
    return int.from_bytes(bridge.get(_BR_VLAN_PROTOCOL, b"\x81\x00"), "big")


def _active_port(bond: Mapping[int, bytes]) -> int | None:
    raw = bond.get(_BOND_ACTIVE_PORT)
    if raw is None or _u8(bond, _BOND_MODE) != _ACTIVE_BACKUP:
        return None
    return int(struct.unpack("=I", raw)[0]) or None


def _u8(found: Mapping[int, bytes], attribute: int, default: int = 0) -> int:
    return found[attribute][0] if found.get(attribute) else default


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("ascii", "replace")
