# SPDX-License-Identifier: GPL-2.0-only
"""Reads and changes the address lists of a NIC besides its own MAC: net_device.uc and net_device.mc.

Multicast addresses are added as `ip maddr add` does (SIOCADDMULTI, dev_mc_add_global()): counted, so that a
membership of the NIC itself stays when the added one goes, and marked as static. The bridge family's
RTM_NEWNEIGH would do neither, and puts 01:80:c2:00:00:0x into the unicast list (ndo_dflt_fdb_add()), which
makes a driver without IFF_UNICAST_FLT promiscuous.

Unicast addresses are added as `bridge fdb add ... self` does (RTM_NEWNEIGH, dev_uc_add_excl()), the only way
available to userspace. The kernel does not record who added them: see synced_addresses.py.
"""

import errno
import fcntl
import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import NLM_F_CREATE, NLM_F_EXCL, Rtnetlink, attribute
from netvsc_bpf.model import names
from netvsc_bpf.model.errors import KernelError

_DEV_MCAST = Path("/proc/thread-self/net/dev_mcast")
_SIOCADDMULTI, _SIOCDELMULTI = 0x8931, 0x8932  # include/uapi/linux/sockios.h
_IFREQ = struct.Struct("16sH6s16x")  # struct ifreq with ifr_hwaddr
_NDMSG = struct.Struct("=BBHiHBB")  # struct ndmsg, include/uapi/linux/neighbour.h
_RTM_NEWNEIGH, _RTM_DELNEIGH, _RTM_GETNEIGH = 28, 29, 30
_NUD_PERMANENT, _NTF_SELF = 0x80, 0x02
_NDA_LLADDR = 2


@dataclass(frozen=True, slots=True)
class Membership:
    """One multicast address of a NIC. `static`: added as `ip maddr add` does, which includes synced ones."""

    mac: bytes
    static: bool


def is_multicast(mac: bytes) -> bool:
    """Return whether the group bit of an address is set."""
    return bool(mac[0] & 1)


def multicast_lists(of: Collection[int] | None = None) -> dict[int, list[Membership]]:
    """Return the multicast addresses of the NICs of this thread's network namespace, by ifindex.

    `of` limits it to some NICs (ifindexes).
    """
    return parse_dev_mcast(_DEV_MCAST.read_bytes(), of)


def parse_dev_mcast(text: bytes, of: Collection[int] | None = None) -> dict[int, list[Membership]]:
    """Parse /proc/net/dev_mcast (dev_mc_seq_show(), net/core/net-procfs.c). Pure.

    A line is ifindex, name, users, static users, address; addresses of other lengths than Ethernet's are left
    out.
    """
    lists: dict[int, list[Membership]] = {}
    for line in filter(None, text.split(b"\n")):
        if of is not None and int(line.partition(b" ")[0]) not in of:
            continue
        fields = line.split()
        mac = bytes.fromhex(fields[-1].decode("ascii"))
        if len(mac) == 6:
            lists.setdefault(int(fields[0]), []).append(Membership(mac, fields[-2] != b"0"))
    return lists


def unicast_list(rtnl: Rtnetlink, ifindex: int) -> set[bytes]:
    """Return the secondary unicast addresses of a NIC (ndo_dflt_fdb_dump()). Raises OSError."""
    found = set()
    for message in rtnl.dump(_RTM_GETNEIGH, _ndmsg(ifindex, 0, 0)):
        _, _, _, index, _, flags, _ = _NDMSG.unpack_from(message.body)
        mac = message.attributes(_NDMSG.size).get(_NDA_LLADDR, b"")
        if index == ifindex and flags & _NTF_SELF and len(mac) == 6 and not is_multicast(mac):
            found.add(mac)
    return found


def add(rtnl: Rtnetlink, ifindex: int, mac: bytes) -> bool:
    """Add an address to the lists of a NIC.

    Returns False if a unicast address exists already: then it was added externally. Raises KernelError.
    """
    with changing(f"cannot add {mac.hex(':')} to interface {ifindex}"):
        if is_multicast(mac):
            _multicast(_SIOCADDMULTI, ifindex, mac)
            return True
        try:
            rtnl.request(_RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, _neighbour(ifindex, mac))
        except FileExistsError:
            return False
        return True


def remove(rtnl: Rtnetlink, ifindex: int, mac: bytes) -> None:
    """Remove an address that add() added; does nothing if it was removed externally. Raises KernelError."""
    with changing(f"cannot remove {mac.hex(':')} from interface {ifindex}"):
        try:
            if is_multicast(mac):
                _multicast(_SIOCDELMULTI, ifindex, mac)
            else:
                rtnl.request(_RTM_DELNEIGH, 0, _neighbour(ifindex, mac))
        except FileNotFoundError:
            return


def _multicast(command: int, ifindex: int, mac: bytes) -> None:
    """Change the multicast list.

    The call takes a name, which is looked up immediately before; a rename in between results in ENODEV, and
    the next pass repeats it.
    """
    name = socket.if_indextoname(ifindex)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        fcntl.ioctl(any_socket, command, _IFREQ.pack(names.encode(name), socket.AF_UNSPEC, mac))


def _neighbour(ifindex: int, mac: bytes) -> bytes:
    return _ndmsg(ifindex, _NUD_PERMANENT, _NTF_SELF) + attribute(_NDA_LLADDR, mac)


def _ndmsg(ifindex: int, state: int, flags: int) -> bytes:
    return _NDMSG.pack(socket.AF_BRIDGE, 0, 0, ifindex, state, flags, 0)


def vanished(error: KernelError) -> bool:
    """Return whether an error of add() or remove() means that the NIC is gone."""
    return error.errno in (errno.ENODEV, errno.ENXIO)
