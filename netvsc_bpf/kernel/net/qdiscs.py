# SPDX-License-Identifier: GPL-2.0-only
"""Lists, adds and removes queueing disciplines; also defines the header shared with tc filters."""

import struct
from dataclasses import dataclass

from netvsc_bpf.kernel.net.rtnetlink import NLM_F_CREATE, NLM_F_EXCL, Rtnetlink, attribute

ROOT = 0xFFFFFFFF
"""TC_H_ROOT, include/uapi/linux/pkt_sched.h: the parent of a device's root qdisc."""
TCA_KIND, TCA_OPTIONS = 1, 2
"""include/uapi/linux/rtnetlink.h."""
TCMSG = struct.Struct("=B3xiIII")
"""struct tcmsg: family, ifindex, handle, parent, info."""
_RTM_NEWQDISC, _RTM_DELQDISC, _RTM_GETQDISC = 36, 37, 38


@dataclass(frozen=True, slots=True)
class Qdisc:
    """One queueing discipline, with handles as in `tc`: the major number in the upper 16 bits."""

    kind: str
    handle: int
    parent: int


def list_qdiscs(rtnl: Rtnetlink, ifindex: int) -> list[Qdisc]:
    """Return the qdiscs of a device. Raises OSError."""
    found = []
    # The kernel dumps those of all devices, without a filter (tc_dump_qdisc(), net/sched/sch_api.c).
    for message in rtnl.dump(_RTM_GETQDISC, TCMSG.pack(0, 0, 0, 0, 0)):
        _, index, handle, parent, _ = TCMSG.unpack_from(message.body)
        if index == ifindex:
            kind = message.attributes(TCMSG.size)[TCA_KIND].rstrip(b"\0").decode()
            found.append(Qdisc(kind, handle, parent))
    return found


def add(rtnl: Rtnetlink, ifindex: int, qdisc: Qdisc) -> None:
    """Add one. Raises OSError: EEXIST if there is another one in its place."""
    rtnl.request(_RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, _named(ifindex, qdisc))


def delete(rtnl: Rtnetlink, ifindex: int, qdisc: Qdisc) -> None:
    """Remove one. Raises OSError."""
    rtnl.request(_RTM_DELQDISC, 0, _named(ifindex, qdisc))


def _named(ifindex: int, qdisc: Qdisc) -> bytes:
    kind = attribute(TCA_KIND, qdisc.kind.encode() + b"\0")
    return TCMSG.pack(0, ifindex, qdisc.handle, qdisc.parent, 0) + kind
