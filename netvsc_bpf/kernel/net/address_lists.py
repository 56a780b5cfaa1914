# SPDX-License-Identifier: GPL-2.0-only
"""The MAC addresses that a NIC listens to beside its own: net_device.uc and net_device.mc.

Multicast addresses are added as `ip maddr add` does (SIOCADDMULTI, dev_mc_add_global()): counted, so that a
membership which the NIC has of its own stays when ours goes, and marked as static. The bridge family's
RTM_NEWNEIGH would do neither, and puts 01:80:c2:00:00:0x into the unicast list (ndo_dflt_fdb_add()), which
makes a driver without IFF_UNICAST_FLT promiscuous.

Unicast addresses are added as `bridge fdb add ... self` does (RTM_NEWNEIGH, dev_uc_add_excl()), the only way
that userspace has. Nothing in the kernel marks whose they are: see synced_addresses.py.
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
    """One multicast address of a NIC. `static`: somebody added it as `ip maddr add` does, us included."""

    mac: bytes
    static: bool


def is_multicast(mac: bytes) -> bool:
    """Say whether the group bit of an address is set."""
    return bool(mac[0] & 1)


def multicast_lists(of: Collection[int] | None = None) -> dict[int, list[Membership]]:
    """Return the multicast addresses of NICs of this thread's network namespace, by ifindex.

    Of all, or of some by ifindex.
    """
    return parse_dev_mcast(_DEV_MCAST.read_bytes(), of)


def parse_dev_mcast(text: bytes, of: Collection[int] | None = None) -> dict[int, list[Membership]]:
    """Read /proc/net/dev_mcast (net/core/dev_addr_lists... dev_mc_seq_show()). Pure.

    A line is ifindex, name, users, static users, address; other lengths than Ethernet's are left out.
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
    """Have a NIC listen to an address.

    Return False where a unicast address was there already: it is somebody else's then. Raises KernelError.
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
    """Take back what add() did; nothing happens where somebody else took it away. Raises KernelError."""
    with changing(f"cannot take {mac.hex(':')} from interface {ifindex}"):
        try:
            if is_multicast(mac):
                _multicast(_SIOCDELMULTI, ifindex, mac)
            else:
                rtnl.request(_RTM_DELNEIGH, 0, _neighbour(ifindex, mac))
        except FileNotFoundError:
            return


def _multicast(command: int, ifindex: int, mac: bytes) -> None:
    """Change the multicast list.

    The call takes a name. It is looked up at once before; a rename in between gives ENODEV, and whoever looks
    again does it again.
    """
    name = socket.if_indextoname(ifindex)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        fcntl.ioctl(any_socket, command, _IFREQ.pack(names.encode(name), socket.AF_UNSPEC, mac))


def _neighbour(ifindex: int, mac: bytes) -> bytes:
    return _ndmsg(ifindex, _NUD_PERMANENT, _NTF_SELF) + attribute(_NDA_LLADDR, mac)


def _ndmsg(ifindex: int, state: int, flags: int) -> bytes:
    return _NDMSG.pack(socket.AF_BRIDGE, 0, 0, ifindex, state, flags, 0)


def vanished(error: KernelError) -> bool:
    """Say whether an error of add() or remove() means that the NIC is gone."""
    return error.errno in (errno.ENODEV, errno.ENXIO)
