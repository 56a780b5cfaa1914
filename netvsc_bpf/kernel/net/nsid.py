# SPDX-License-Identifier: GPL-2.0-only
"""Ids of other network namespaces in this one (nsid, include/uapi/linux/net_namespace.h)."""

import struct

from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink, attribute
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle

_RTM_NEWNSID, _RTM_GETNSID = 88, 90
_NETNSA_NSID, _NETNSA_FD = 1, 3
_RTGENMSG = bytes(4)
_NUMBER = struct.Struct("=i")
_NOT_ASSIGNED = -1


def nsid(place: NetnsHandle) -> int:
    """Return the nsid of another namespace in this thread's namespace; assigns one if it has none.

    A device that moves there also causes one to be assigned (peernet2id_alloc()). Raises KernelError,
    NamespaceGone.
    """
    with place.opened() as fd, changing(f"cannot assign an nsid to {place.name}"), Rtnetlink() as rtnl:
        number = _number(rtnl, fd)
        if number == _NOT_ASSIGNED:
            any_number = attribute(_NETNSA_NSID, _NUMBER.pack(_NOT_ASSIGNED))
            rtnl.request(_RTM_NEWNSID, 0, _RTGENMSG + attribute(_NETNSA_FD, _NUMBER.pack(fd)) + any_number)
            number = _number(rtnl, fd)
        return number


def _number(rtnl: Rtnetlink, fd: int) -> int:
    answer = rtnl.ask(_RTM_GETNSID, _RTGENMSG + attribute(_NETNSA_FD, _NUMBER.pack(fd)))
    return int(_NUMBER.unpack(answer.attributes(len(_RTGENMSG))[_NETNSA_NSID])[0])
