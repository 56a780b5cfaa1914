# SPDX-License-Identifier: GPL-2.0-only
"""clsact: the tc hook of kernels before 6.6.

A filter is ours if it runs our program, by the program's id; it is removed by the priority and handle that
the kernel gave it. Other people's filters stay, and so does their qdisc.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from netvsc_bpf.kernel.tcx import Direction

if TYPE_CHECKING:
    # See netvsc_bpf/kernel/ipr.py: only those who have filters pay for it.
    from pyroute2 import IPRoute

_Answer = TypeVar("_Answer")

_PARENT = {Direction.INGRESS: 0xFFFFFFF2, Direction.EGRESS: 0xFFFFFFF3}  # TC_H_MIN_INGRESS, TC_H_MIN_EGRESS
_ETH_P_ALL = 0x0003
_LATE = 0xC100
"""Behind the priorities that tc gives by itself: other people's filters see a packet before we redirect it.

Those go down from 0xC000 (tcf_auto_prio(), net/sched/cls_api.c).
"""
_LAST = 0xFFFF
_EEXIST, _EINVAL, _ENOENT, _ENODEV = 17, 22, 2, 19
_TCA_BPF_ID = 11  # include/uapi/linux/pkt_cls.h
_NLA_HEADER = 4


@dataclass(frozen=True, slots=True)
class Filter:
    """A tc filter as the kernel names it."""

    prio: int
    handle: int
    prog_id: int | None


def has_qdisc(ipr: "IPRoute", ifindex: int) -> bool:
    """Tell whether the device has a clsact qdisc."""
    return any(
        q.get_attr("TCA_KIND") == "clsact"
        for q in _asked(lambda: list(ipr.get_qdiscs(index=ifindex)))
        if q["index"] == ifindex
    )


def add_qdisc(ipr: "IPRoute", ifindex: int) -> bool:
    """Make sure that there is a clsact qdisc; return True if we added it."""
    if has_qdisc(ipr, ifindex):
        return False
    _asked(lambda: ipr.tc("add", "clsact", ifindex))
    return True


def remove_qdisc_if_empty(ipr: "IPRoute", ifindex: int) -> None:
    """Remove the clsact qdisc that we added, unless somebody has put filters there since."""
    if has_qdisc(ipr, ifindex) and not any(filters(ipr, ifindex, direction) for direction in Direction):
        _asked(lambda: ipr.tc("del", "clsact", ifindex))


def filters(ipr: "IPRoute", ifindex: int, direction: Direction) -> list[Filter]:
    """Return the filters of one direction, whoever's they are."""
    try:
        messages = _asked(lambda: list(ipr.get_filters(index=ifindex, parent=_PARENT[direction])))
    except OSError as error:
        if error.errno in (_EINVAL, _ENOENT):
            return []
        raise
    return [_parsed(m) for m in messages if m["handle"]]


def attach(ipr: "IPRoute", ifindex: int, direction: Direction, prog_fd: int, name: str) -> None:
    """Add a direct-action filter behind the others. Raises OSError."""
    taken = {found.prio for found in filters(ipr, ifindex, direction)}
    prio = next(number for number in range(_LATE, _LAST) if number not in taken)
    _change(ipr, "add-filter", ifindex, direction, prio=prio, fd=prog_fd, name=name, direct_action=True)


def detach(ipr: "IPRoute", ifindex: int, direction: Direction, prog_id: int) -> int:
    """Remove the filters that run this program; return how many there were."""
    ours = [found for found in filters(ipr, ifindex, direction) if found.prog_id == prog_id]
    for found in ours:
        _change(ipr, "del-filter", ifindex, direction, handle=found.handle, prio=found.prio)
    return len(ours)


def replace(ipr: "IPRoute", ifindex: int, direction: Direction, old_id: int, prog_fd: int, name: str) -> None:
    """Give the filters that run the old program another one, each atomically (cls_bpf_change()).

    Priority and handle stay. Raises OSError, unless the filter or its device went meanwhile.
    """
    for found in filters(ipr, ifindex, direction):
        if found.prog_id != old_id:
            continue
        try:
            _change(
                ipr,
                "change-filter",
                ifindex,
                direction,
                handle=found.handle,
                prio=found.prio,
                fd=prog_fd,
                name=name,
                direct_action=True,
            )
        except OSError as error:
            if error.errno not in (_ENOENT, _ENODEV):
                raise


def attached(ipr: "IPRoute", ifindex: int, direction: Direction, prog_id: int) -> bool:
    """Tell whether a filter there runs this program."""
    return any(found.prog_id == prog_id for found in filters(ipr, ifindex, direction))


def _asked(call: Callable[[], _Answer]) -> _Answer:
    """Do what pyroute2 is asked for; its error becomes an OSError, as all others of the kernel are."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        return call()
    except NetlinkError as error:
        raise OSError(error.code, str(error.args[-1])) from error


def _change(ipr: "IPRoute", command: str, ifindex: int, direction: Direction, **filter_: Any) -> None:
    parent = _PARENT[direction]
    _asked(lambda: ipr.tc(command, "bpf", ifindex, parent=parent, protocol=_ETH_P_ALL, **filter_))


def _parsed(message: Any) -> Filter:
    prog_id = _prog_id(message) if message.get_attr("TCA_KIND") == "bpf" else None
    return Filter(message["info"] >> 16, message["handle"], prog_id)


def _prog_id(message: Any) -> int | None:
    """Return TCA_BPF_ID, which pyroute2 (0.9.7) does not decode.

    It keeps what it does not know as it came.
    """
    options = message.get_attr("TCA_OPTIONS")
    for name, value in [] if options is None else options["attrs"]:
        if name == "TCA_BPF_ID":
            return int(value)
        if name == "UNKNOWN" and value["header"]["type"] == _TCA_BPF_ID:
            (prog_id,) = struct.unpack_from("=I", value.data, value.offset + _NLA_HEADER)
            return int(prog_id)
    return None
