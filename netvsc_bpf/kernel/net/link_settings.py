# SPDX-License-Identifier: GPL-2.0-only
"""Changes settings of interfaces, by ifindex, because udev may rename them at any time."""

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink, attribute
from netvsc_bpf.kernel.process.errnos import is_absent
from netvsc_bpf.model import names
from netvsc_bpf.model.errors import KernelError, MissingCapability

_RTM_SETLINK, _RTM_GETADDR = 19, 22
_IFINFOMSG = struct.Struct("=BxHiII")
_IFADDRMSG = struct.Struct("=BBBBI")
# include/uapi/linux/if_link.h
_IFLA_ADDRESS, _IFLA_MTU, _IFLA_AF_SPEC, _IFLA_GSO_MAX_SEGS, _IFLA_GSO_MAX_SIZE = 1, 4, 26, 40, 41
_IFLA_IFNAME, _IFLA_NET_NS_FD = 3, 28
_IFLA_INET6_ADDR_GEN_MODE = 8
_NESTED = 0x8000  # NLA_F_NESTED
_IFA_FLAGS = 8  # include/uapi/linux/if_addr.h
_IFA_F_PERMANENT = 0x80  # include/uapi/linux/if_addr.h
_SCOPE_LINK = 253  # RT_SCOPE_LINK, include/uapi/linux/rtnetlink.h
_IFF_UP, _IFF_PROMISC, _IFF_ALLMULTI = 0x1, 0x100, 0x200
_SYSCTL = Path("/proc/sys/net/ipv6/conf")


@contextmanager
def changing(what: str) -> Iterator[None]:
    """Convert OSErrors of the block: to MissingCapability for EPERM, else to KernelError with its errno."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        if number in (errno.ENODEV, errno.ENXIO):
            raise KernelError(
                what, "the interface vanished", "attach again once it is back", errno=number
            ) from error
        if number == errno.EROFS:
            where = error.filename or "a file system"
            remedy = "mount it read-write here, or do this outside the container"
            raise KernelError(what, f"{where} is read-only", remedy, errno=number) from error
        if number in (errno.EPERM, errno.EACCES):
            raise MissingCapability(what, "the kernel does not permit it", "run as root") from error
        raise KernelError(what, error.strerror or str(error), errno=number) from error


def is_present(ifindex: int) -> bool:
    """Return whether an interface is in this network namespace; True if a transient failure prevents it."""
    try:
        socket.if_indextoname(ifindex)
    except OSError as error:
        return not is_absent(error)
    return True


def set_mtu(rtnl: Rtnetlink, ifindex: int, mtu: int) -> None:
    """Set the MTU in bytes."""
    _set(rtnl, ifindex, attribute(_IFLA_MTU, _u32(mtu)))


def set_up(rtnl: Rtnetlink, ifindex: int, up: bool) -> None:
    """Bring an interface up or down."""
    _set_flag(rtnl, ifindex, _IFF_UP, up)


def set_addr_gen_mode(rtnl: Rtnetlink, ifindex: int, mode: int) -> None:
    """Set how IPv6 link-local addresses are generated: 0 EUI-64, 1 none (IFLA_INET6_ADDR_GEN_MODE)."""
    inet6 = attribute(socket.AF_INET6 | _NESTED, attribute(_IFLA_INET6_ADDR_GEN_MODE, bytes([mode])))
    _set(rtnl, ifindex, attribute(_IFLA_AF_SPEC | _NESTED, inet6))


def set_gso_limits(rtnl: Rtnetlink, ifindex: int, max_size: int, max_segs: int) -> None:
    """Set the maximum size (bytes) and number of segments of a packet that the device segments itself."""
    size, segs = attribute(_IFLA_GSO_MAX_SIZE, _u32(max_size)), attribute(_IFLA_GSO_MAX_SEGS, _u32(max_segs))
    _set(rtnl, ifindex, size + segs)


def set_ipv6_disabled(ifindex: int, disabled: bool) -> None:
    """Write net.ipv6.conf.<name>.disable_ipv6, which netlink does not offer.

    The name is looked up immediately before. Raises OSError, which the caller passes to no_sysctls().
    """
    (_SYSCTL / socket.if_indextoname(ifindex) / "disable_ipv6").write_text("1" if disabled else "0")


def no_sysctls(error: OSError) -> str | None:
    """Return why no sysctl can be written at all, if the error means that; otherwise None.

    In containers /proc/sys is read-only, or missing (proc mounted with subset=pid).
    """
    if error.errno == errno.EROFS:
        return "/proc/sys is read-only"
    if error.errno == errno.ENOENT and not _SYSCTL.is_dir():
        return f"there is no {_SYSCTL}"
    return None


def set_mac(rtnl: Rtnetlink, ifindex: int, mac: str) -> None:
    """Set the MAC address."""
    _set(rtnl, ifindex, attribute(_IFLA_ADDRESS, bytes.fromhex(mac.replace(":", ""))))


def move(rtnl: Rtnetlink, ifindex: int, netns_fd: int, name: str) -> None:
    """Move an interface into another network namespace, with the name `name`.

    The kernel closes it, empties its address lists, and gives it new IPv6 settings
    (__dev_change_net_namespace(), net/core/dev.c); BPF links stay attached. It may get another ifindex.
    """
    to = attribute(_IFLA_NET_NS_FD, _u32(netns_fd)) + attribute(_IFLA_IFNAME, names.encode(name) + bytes(1))
    _set(rtnl, ifindex, to)


def set_promisc(rtnl: Rtnetlink, ifindex: int, on: bool) -> None:
    """Set IFF_PROMISC as `ip link set promisc` does, which changes the count of promiscuity by one."""
    _set_flag(rtnl, ifindex, _IFF_PROMISC, on)


def set_allmulti(rtnl: Rtnetlink, ifindex: int, on: bool) -> None:
    """Set IFF_ALLMULTI as `ip link set allmulticast` does."""
    _set_flag(rtnl, ifindex, _IFF_ALLMULTI, on)


def has_chosen_ipv6(rtnl: Rtnetlink, ifindex: int) -> bool:
    """Return whether the interface has a configured IPv6 address, neither link-local nor from SLAAC."""
    for message in rtnl.dump(_RTM_GETADDR, _IFADDRMSG.pack(socket.AF_INET6, 0, 0, 0, ifindex), whole=True):
        _, _, few_flags, scope, owner = _IFADDRMSG.unpack_from(message.body)
        wide = message.attributes(_IFADDRMSG.size).get(_IFA_FLAGS)
        flags = few_flags if wide is None else struct.unpack("=I", wide)[0]
        if owner == ifindex and scope != _SCOPE_LINK and flags & _IFA_F_PERMANENT:
            return True
    return False


def _set_flag(rtnl: Rtnetlink, ifindex: int, flag: int, on: bool) -> None:
    _set(rtnl, ifindex, flags=flag if on else 0, change=flag)


def _set(rtnl: Rtnetlink, ifindex: int, attributes: bytes = b"", *, flags: int = 0, change: int = 0) -> None:
    rtnl.request(_RTM_SETLINK, 0, _IFINFOMSG.pack(0, 0, ifindex, flags, change) + attributes)


def _u32(value: int) -> bytes:
    return struct.pack("=I", value)
