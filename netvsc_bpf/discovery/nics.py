# SPDX-License-Identifier: GPL-2.0-only
"""The interfaces of the current network namespace, read in one RTM_GETLINK dump."""

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkDumpInterrupted, NetlinkError

from netvsc_bpf.discovery.lookup import no_such_nic
from netvsc_bpf.discovery.sysfs import driver_of, slot_address, slot_serials
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.nic import Nic

SYSFS = Path("/sys")

_IFF_UP = 0x1
_IFF_LOOPBACK = 0x8
_DUMP_ATTEMPTS = 5
# In multi mode (driver and generic together) the kernel leaves IFLA_XDP_PROG_ID out: rtnl_xdp_fill().
_XDP_IDS = ("IFLA_XDP_PROG_ID", "IFLA_XDP_DRV_PROG_ID", "IFLA_XDP_SKB_PROG_ID", "IFLA_XDP_HW_PROG_ID")


def list_nics(ipr: IPRoute, sysfs: Path = SYSFS) -> list[Nic]:
    """Return every interface of the network namespace that ``ipr`` was opened in, in the kernel's order.

    Raises KernelError when the dump fails, or is interrupted by changes every time it is tried.
    """
    for _ in range(_DUMP_ATTEMPTS):
        try:
            return nics_from_messages(ipr.get_links(), sysfs)
        except NetlinkDumpInterrupted:
            # NLM_F_DUMP_INTR: an interface came or went while the kernel was answering, one may be missing.
            continue
        except NetlinkError as error:
            raise KernelError("list interfaces", str(error.args[-1]), errno=error.code) from error
    raise KernelError(
        "list interfaces",
        f"they changed during each of {_DUMP_ATTEMPTS} dumps",
        "try again",
        errno=errno.EINTR,
    )


def get_nic(ipr: IPRoute, which: int | str, sysfs: Path = SYSFS) -> Nic:
    """Return the interface with this ifindex or name, asked for by itself.

    Raises NoSuchNic when there is none (any more), KernelError when the question fails otherwise.
    """
    key = {"index": which} if isinstance(which, int) else {"ifname": which}
    try:
        return nics_from_messages(ipr.link("get", **key), sysfs)[0]
    except NetlinkError as error:
        if error.code == errno.ENODEV:
            raise no_such_nic(which) from error
        raise KernelError(f"read interface {which}", str(error.args[-1]), errno=error.code) from error


def nics_from_messages(messages: Iterable[Any], sysfs: Path = SYSFS) -> list[Nic]:
    """Return the NICs that RTM_NEWLINK messages describe, with driver and slot serial from ``sysfs``."""
    serials = slot_serials(sysfs)
    nics = []
    for message in messages:
        bus: str | None = message.get_attr("IFLA_PARENT_DEV_BUS_NAME")
        parent: str | None = message.get_attr("IFLA_PARENT_DEV_NAME")
        driver = driver_of(sysfs, bus, parent) if bus and parent else None
        serial = serials.get(slot_address(parent)) if bus == "pci" and parent else None
        nics.append(nic_from_message(message, driver=driver, serial=serial))
    return nics


def nic_from_message(message: Any, *, driver: str | None = None, serial: int | None = None) -> Nic:
    """Return the Nic that one decoded RTM_NEWLINK (pyroute2 ``ifinfmsg``) describes. Pure.

    ``driver`` and ``serial`` come from sysfs; without a driver the link's kind stands in for it.
    """
    kind = message.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND")
    stats = message.get_attr("IFLA_STATS64") or {}
    return Nic(
        ifindex=message["index"],
        name=message.get_attr("IFLA_IFNAME"),
        # Layer-3 devices (tun, wireguard) have no address at all.
        mac=message.get_attr("IFLA_ADDRESS") or "",
        mtu=message.get_attr("IFLA_MTU"),
        up=bool(message["flags"] & _IFF_UP),
        carrier=bool(message.get_attr("IFLA_CARRIER")),
        kind=kind,
        driver=driver or kind,
        bus=message.get_attr("IFLA_PARENT_DEV_BUS_NAME"),
        parent=message.get_attr("IFLA_PARENT_DEV_NAME"),
        serial=serial,
        link_type=message["ifi_type"],
        loopback=bool(message["flags"] & _IFF_LOOPBACK),
        master=message.get_attr("IFLA_MASTER"),
        promiscuity=message.get_attr("IFLA_PROMISCUITY") or 0,
        allmulti=message.get_attr("IFLA_ALLMULTI") or 0,
        gso_max_size=message.get_attr("IFLA_GSO_MAX_SIZE"),
        gso_max_segs=message.get_attr("IFLA_GSO_MAX_SEGS"),
        ipv6_disabled=_ipv6_disabled(message),
        addr_gen_mode=message.get_nested("IFLA_AF_SPEC", "AF_INET6", "IFLA_INET6_ADDR_GEN_MODE"),
        xdp_prog_id=_xdp_prog_id(message),
        rx_packets=stats.get("rx_packets", 0),
        rx_bytes=stats.get("rx_bytes", 0),
        rx_dropped=stats.get("rx_dropped", 0),
        tx_dropped=stats.get("tx_dropped", 0),
        rx_errors=stats.get("rx_errors", 0),
        tx_errors=stats.get("tx_errors", 0),
        rx_missed=stats.get("rx_missed_errors", 0),
    )


def _ipv6_disabled(message: Any) -> bool | None:
    conf = message.get_nested("IFLA_AF_SPEC", "AF_INET6", "IFLA_INET6_CONF")
    return None if conf is None else bool(conf["disable_ipv6"])


def _xdp_prog_id(message: Any) -> int | None:
    for attribute in _XDP_IDS:
        prog_id: int | None = message.get_nested("IFLA_XDP", attribute)
        if prog_id:
            return prog_id
    return None
