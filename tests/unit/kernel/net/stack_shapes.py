# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces above a synthetic NIC, made up."""

from typing import Any

from netvsc_bpf.kernel.net.link_info import LinkInfo
from netvsc_bpf.kernel.net.upper_devices import Link

ETH0_MAC = bytes.fromhex("00155d010203")


def mac(number: int) -> bytes:
    """A MAC of its own for each number."""
    return bytes.fromhex("0200000000") + bytes([number])


def link(ifindex: int, kind: str = "", address: bytes | None = None, **more: Any) -> Link:
    """An interface that is up; `info` is what LinkInfo has beside the kind."""
    info = LinkInfo(kind, **more.pop("info", {}))
    shape: dict[str, Any] = {"up": True, "uses_arp": True, "carrier": True} | more
    return Link(ifindex, f"nic{ifindex}", address or mac(ifindex), info=info, **shape)


def by_ifindex(*links: Link) -> dict[int, Link]:
    """The interfaces as a dump has them."""
    return {one.ifindex: one for one in links}


ETH0 = link(2, address=ETH0_MAC)
