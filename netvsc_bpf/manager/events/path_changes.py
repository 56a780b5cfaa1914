# SPDX-License-Identifier: GPL-2.0-only
"""A change of path, as the kernel told it, as an event."""

import socket

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind, Value


def switch_event(
    told: abi.PathEvent,
    interface: str,
    vf: str | None,
    *,
    lasted_s: float | None = None,
    join_s: float | None = None,
) -> Event:
    """Put the kernel's account and what we know beside it into one event.

    `lasted_s`: how long the pair was on the path that it left; `join_s`: see Detail.JOIN_S.
    """
    to, reason = abi.PATHS[told.to], abi.REASONS[told.reason]
    details: dict[Detail, Value] = {Detail.TO: to.value, Detail.REASON: reason and reason.value}
    if vf is not None:
        details[Detail.VF] = vf
    if lasted_s is not None:
        details[Detail.DURATION_S] = round(lasted_s, 6)
    if join_s is not None:
        details[Detail.JOIN_S] = round(join_s, 6)
    details |= {
        Detail.IFINDEX: told.synthetic_ifindex,
        Detail.BOOTTIME_NS: told.at,
        Detail.MONOTONIC_NS: CLOCKS.monotonic_of(told.at),
    }
    text = f"{to} ({reason})"
    return Event(Kind.SWITCHED, interface, text, told.at, details)


def interface_name(ifindex: int) -> str | None:
    """Return the name that an interface of this thread's network namespace has now, None if it is gone."""
    try:
        return socket.if_indextoname(ifindex)
    except OSError:
        return None
