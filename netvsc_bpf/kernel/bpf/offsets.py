# SPDX-License-Identifier: GPL-2.0-only
"""Reads the offsets that ebpf/kernel_types.h needs from BTF, and verifies them."""

from netvsc_bpf.kernel.bpf.btf import Btf, Member
from netvsc_bpf.kernel.bpf.drop_offsets import drop_facts
from netvsc_bpf.kernel.bpf.kfunc_calls import ReadOnlyCast
from netvsc_bpf.model.errors import NoBtf
from netvsc_bpf.model.path import Liveness

_ENUMERATORS = {
    "netdev_state_t": {
        "__LINK_STATE_START": 0,
        "__LINK_STATE_PRESENT": 1,
        "__LINK_STATE_NOCARRIER": 2,
        "__LINK_STATE_LINKWATCH_PENDING": 3,
    },
    "netdev_cmd": {
        "NETDEV_UP": 1,
        "NETDEV_DOWN": 2,
        "NETDEV_CHANGE": 4,
        "NETDEV_UNREGISTER": 6,
        "NETDEV_GOING_DOWN": 10,
    },
}
"""The values in kernel_types.h, from include/linux/netdevice.h."""


def kernel_offsets(btf: Btf) -> dict[str, int]:
    """Return the macros of kernel_types.h, in bytes. Raises NoBtf if the kernel's structures do not fit."""
    for enum, expected in _ENUMERATORS.items():
        actual = btf.enumerators(enum)
        for name, value in expected.items():
            if actual.get(name) != value:
                raise _unfit(f"{name} of enum {enum} is {actual.get(name)}, not {value}")
    device = btf.members("net_device")
    entry = btf.members("bpf_dtab_netdev")  # kernel/bpf/devmap.c
    notifier = btf.members("netdev_notifier_info")
    return {
        "NET_DEVICE_STATE": _offset(device, "state", 8),
        "NET_DEVICE_IFINDEX": _offset(device, "ifindex", 4),
        "NET_DEVICE_NET": _offset(device, "nd_net", 8),
        "NET_DEVICE_CARRIER_UP": _offset(device, "carrier_up_count", 4),
        "NET_DEVICE_CARRIER_DOWN": _offset(device, "carrier_down_count", 4),
        "NET_DEVICE_DISMANTLE": _flag(device, "dismantle"),
        "DEVMAP_VAL_TO_DEV": _offset(entry, "val", 8) - _offset(entry, "dev", 8),
        "NOTIFIER_INFO_DEV": _offset(notifier, "dev", 8),
        "NETDEV_PRECHANGEUPPER": _enumerator(btf, "netdev_cmd", "NETDEV_PRECHANGEUPPER"),
    }


def offsets_for(liveness: Liveness) -> dict[str, int]:
    """Return the macros of kernel_types.h for a fallback level. Raises NoBtf."""
    if liveness is Liveness.NETLINK:
        return no_offsets()
    with Btf.of_kernel() as btf:
        cast = ReadOnlyCast.of_kernel(btf)
        return kernel_offsets(btf) | drop_facts(btf) | (cast.macros if cast is not None else {})


def no_offsets() -> dict[str, int]:
    """Return zero macros for level `netlink`, whose programs compile with them but do not use them."""
    return dict.fromkeys(
        (
            "NET_DEVICE_STATE",
            "NET_DEVICE_IFINDEX",
            "NET_DEVICE_NET",
            "NET_DEVICE_CARRIER_UP",
            "NET_DEVICE_CARRIER_DOWN",
            "NET_DEVICE_DISMANTLE",
            "DEVMAP_VAL_TO_DEV",
            "NOTIFIER_INFO_DEV",
            "NETDEV_PRECHANGEUPPER",
        ),
        0,
    )


def _enumerator(btf: Btf, enum: str, name: str) -> int:
    value = btf.enumerators(enum).get(name)
    if value is None:
        raise _unfit(f"enum {enum} has no {name}")
    return value


def _offset(members: dict[str, Member], name: str, size: int) -> int:
    member = members.get(name)
    if member is None or member.size != size:
        raise _unfit(
            f"member {name} is {'missing' if member is None else f'{member.size} bytes, not {size}'}"
        )
    return member.offset


def _flag(members: dict[str, Member], name: str) -> int:
    """Return the offset of a bool; 0 if it is missing or a bitfield, and the programs do without it."""
    member = members.get(name)
    return member.offset if member is not None and member.size == 1 and member.type_name == "bool" else 0


def _unfit(why: str) -> NoBtf:
    return NoBtf(
        "cannot read kernel structures", why, "report it with the kernel's version; --liveness netlink works"
    )
