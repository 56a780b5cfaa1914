# SPDX-License-Identifier: GPL-2.0-only
"""Changes to interfaces, by ifindex: names are udev's to change while we work."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from netvsc_bpf.model.errors import KernelError, MissingCapability

_IFA_F_PERMANENT = 0x80  # include/uapi/linux/if_addr.h
_SCOPE_LINK = 253  # RT_SCOPE_LINK, include/uapi/linux/rtnetlink.h
_IFF_PROMISC = 0x100
_IFF_ALLMULTI = 0x200
_SYSCTL = Path("/proc/sys/net/ipv6/conf")


@contextmanager
def changing(what: str) -> Iterator[None]:
    """Turn the kernel's refusals into our errors: KernelError with its errno, MissingCapability for EPERM."""
    try:
        yield
    except (NetlinkError, OSError) as error:
        number = (error.code if isinstance(error, NetlinkError) else error.errno) or 0
        if number in (errno.ENODEV, errno.ENXIO):
            raise KernelError(
                what, "the interface vanished", "attach again once it is back", errno=number
            ) from error
        if number in (errno.EPERM, errno.EACCES):
            raise MissingCapability(what, "the kernel does not permit it", "run as root") from error
        why = str(error.args[-1]) if isinstance(error, NetlinkError) else error.strerror or str(error)
        raise KernelError(what, why, errno=number) from error


def set_mtu(ipr: IPRoute, ifindex: int, mtu: int) -> None:
    """Set the MTU in bytes."""
    ipr.link("set", index=ifindex, mtu=mtu)


def set_up(ipr: IPRoute, ifindex: int, up: bool) -> None:
    """Bring an interface up or down."""
    ipr.link("set", index=ifindex, state="up" if up else "down")


def set_addr_gen_mode(ipr: IPRoute, ifindex: int, mode: int) -> None:
    """Set how IPv6 link-local addresses come about: 0 EUI-64, 1 none (IFLA_INET6_ADDR_GEN_MODE)."""
    inet6 = {"attrs": [["IFLA_INET6_ADDR_GEN_MODE", mode]]}
    ipr.link("set", index=ifindex, IFLA_AF_SPEC={"attrs": [["AF_INET6", inet6]]})


def set_gso_limits(ipr: IPRoute, ifindex: int, max_size: int, max_segs: int) -> None:
    """Set how large (bytes) and of how many segments a packet may be that the device is to cut up itself."""
    ipr.link("set", index=ifindex, IFLA_GSO_MAX_SIZE=max_size, IFLA_GSO_MAX_SEGS=max_segs)


def set_ipv6_disabled(ipr: IPRoute, ifindex: int, disabled: bool) -> None:
    """Write net.ipv6.conf.<name>.disable_ipv6, which netlink does not offer.

    The name is looked up at once before.
    """
    name = ipr.link("get", index=ifindex)[0].get_attr("IFLA_IFNAME")
    (_SYSCTL / name / "disable_ipv6").write_text("1" if disabled else "0")


def set_mac(ipr: IPRoute, ifindex: int, mac: str) -> None:
    """Set the MAC address."""
    ipr.link("set", index=ifindex, address=mac)


def set_promisc(ipr: IPRoute, ifindex: int, on: bool) -> None:
    """Set IFF_PROMISC as `ip link set promisc` does: one more user of promiscuity, or one less."""
    _set_flag(ipr, ifindex, _IFF_PROMISC, on)


def set_allmulti(ipr: IPRoute, ifindex: int, on: bool) -> None:
    """Set IFF_ALLMULTI as `ip link set allmulticast` does."""
    _set_flag(ipr, ifindex, _IFF_ALLMULTI, on)


def _set_flag(ipr: IPRoute, ifindex: int, flag: int, on: bool) -> None:
    ipr.link("set", index=ifindex, flags=flag if on else 0, change=flag)


def has_chosen_ipv6(ipr: IPRoute, ifindex: int) -> bool:
    """Tell whether the interface has an IPv6 address that somebody chose, neither link-local nor by SLAAC."""
    return any(
        message["index"] == ifindex
        and message["scope"] != _SCOPE_LINK
        and message["flags"] & _IFA_F_PERMANENT
        for message in ipr.get_addr(family=socket.AF_INET6, index=ifindex)
    )
