# SPDX-License-Identifier: GPL-2.0-only
"""clsact: the tc hook of kernels before 6.6.

A filter is recognised by the id of the program that it runs, and removed by the priority and handle that the
kernel gave it. Foreign filters stay, and so does a qdisc that has any.
"""

import errno
import socket
import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass

from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.net import qdiscs
from netvsc_bpf.kernel.net.qdiscs import TCA_KIND, TCA_OPTIONS, TCMSG, Qdisc
from netvsc_bpf.kernel.net.rtnetlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Message,
    Rtnetlink,
    attribute,
    attributes,
)

_CLSACT = Qdisc("clsact", handle=0xFFFF0000, parent=0xFFFFFFF1)  # TC_H_CLSACT
_PARENT = {Direction.INGRESS: 0xFFFFFFF2, Direction.EGRESS: 0xFFFFFFF3}  # TC_H_MIN_INGRESS, TC_H_MIN_EGRESS
_ETH_P_ALL = 0x0003
_LATE = 0xC100
"""The first priority to use: after those that tc assigns, so that foreign filters see a packet first.

Assigned priorities go down from 0xC000 (tcf_auto_prio(), net/sched/cls_api.c).
"""
_LAST = 0xFFFF
_RTM_NEWTFILTER, _RTM_DELTFILTER, _RTM_GETTFILTER = 44, 45, 46
_TCA_BPF_FD, _TCA_BPF_NAME, _TCA_BPF_FLAGS, _TCA_BPF_ID = 6, 7, 8, 11  # include/uapi/linux/pkt_cls.h
_DIRECT_ACTION = 1  # TCA_BPF_FLAG_ACT_DIRECT
_U32 = struct.Struct("=I")
_KIND = attribute(TCA_KIND, b"bpf\0")


@dataclass(frozen=True, slots=True)
class Filter:
    """A tc filter, as identified by the kernel."""

    prio: int
    handle: int
    prog_id: int | None


def has_qdisc(rtnl: Rtnetlink, ifindex: int) -> bool:
    """Return whether the device has a clsact qdisc.

    Dumps the qdiscs of all devices: the answer to a request for one is sent to all listeners, including this
    program's own (qdisc_get_notify(), net/sched/sch_api.c).
    """
    return any(one.kind == _CLSACT.kind for one in qdiscs.list_qdiscs(rtnl, ifindex))


def add_qdisc(rtnl: Rtnetlink, ifindex: int) -> bool:
    """Add a clsact qdisc if there is none; return True if it was added.

    Raises OSError: EEXIST if there is an `ingress` qdisc instead.
    """
    try:
        qdiscs.add(rtnl, ifindex, _CLSACT)
    except OSError as error:
        if error.errno != errno.EEXIST or not has_qdisc(rtnl, ifindex):
            raise
        return False
    return True


def remove_qdisc_if_empty(rtnl: Rtnetlink, ifindex: int) -> None:
    """Remove the clsact qdisc, unless it has filters."""
    if has_qdisc(rtnl, ifindex) and not any(filters(rtnl, ifindex, direction) for direction in Direction):
        qdiscs.delete(rtnl, ifindex, _CLSACT)


def filters(rtnl: Rtnetlink, ifindex: int, direction: Direction) -> list[Filter]:
    """Return all filters of one direction, including foreign ones."""
    try:
        messages = rtnl.dump(_RTM_GETTFILTER, TCMSG.pack(0, ifindex, 0, _PARENT[direction], 0))
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return []
        raise
    return [found for found in map(_parsed, messages) if found.handle]


def attach(rtnl: Rtnetlink, ifindex: int, direction: Direction, prog_fd: int, name: str) -> None:
    """Add a direct-action filter behind the others. Raises OSError."""
    taken = {found.prio for found in filters(rtnl, ifindex, direction)}
    prio = next(number for number in range(_LATE, _LAST) if number not in taken)
    place = _place(ifindex, direction, Filter(prio, 0, None))
    rtnl.request(_RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, place + _running(prog_fd, name))


def detach(rtnl: Rtnetlink, ifindex: int, direction: Direction, prog_ids: Container[int | None]) -> int:
    """Remove the filters that run one of these programs; return their number."""
    ours = [found for found in filters(rtnl, ifindex, direction) if found.prog_id in prog_ids]
    for found in ours:
        rtnl.request(_RTM_DELTFILTER, 0, _place(ifindex, direction, found) + _KIND)
    return len(ours)


def replace(
    rtnl: Rtnetlink, ifindex: int, direction: Direction, programs: Mapping[int, tuple[int, str]]
) -> None:
    """Replace the programs of filters, each atomically (cls_bpf_change()).

    `programs` maps the id of an old program to the descriptor and name of the new one. Priority and handle
    stay. Raises OSError, unless the filter or its device is gone meanwhile.
    """
    for found in filters(rtnl, ifindex, direction):
        if found.prog_id is None or found.prog_id not in programs:
            continue
        new = _running(*programs[found.prog_id])
        try:
            rtnl.request(_RTM_NEWTFILTER, 0, _place(ifindex, direction, found) + new)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise


def attached(rtnl: Rtnetlink, ifindex: int, direction: Direction, prog_id: int) -> bool:
    """Return whether a filter there runs this program."""
    return any(found.prog_id == prog_id for found in filters(rtnl, ifindex, direction))


def _place(ifindex: int, direction: Direction, filter_: Filter) -> bytes:
    info = filter_.prio << 16 | socket.htons(_ETH_P_ALL)
    return TCMSG.pack(0, ifindex, filter_.handle, _PARENT[direction], info)


def _running(prog_fd: int, name: str) -> bytes:
    options = (
        attribute(_TCA_BPF_FD, _U32.pack(prog_fd))
        + attribute(_TCA_BPF_NAME, name.encode() + b"\0")
        + attribute(_TCA_BPF_FLAGS, _U32.pack(_DIRECT_ACTION))
    )
    return _KIND + attribute(TCA_OPTIONS, options)


def _parsed(message: Message) -> Filter:
    _, _, handle, _, info = TCMSG.unpack_from(message.body)
    return Filter(info >> 16, handle, _prog_id(message.attributes(TCMSG.size)))


def _prog_id(found: dict[int, bytes]) -> int | None:
    """Return the id of the program that a filter runs; None if it is not a bpf filter."""
    if found.get(TCA_KIND, b"").rstrip(b"\0") != b"bpf":
        return None
    number = attributes(found.get(TCA_OPTIONS, b"")).get(_TCA_BPF_ID)
    return None if number is None else int(_U32.unpack(number)[0])
