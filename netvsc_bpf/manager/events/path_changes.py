# SPDX-License-Identifier: GPL-2.0-only
"""The event for a path change that the kernel reported."""

import socket

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind, Value


def switch_event(
    change: abi.PathEvent,
    interface: str,
    vf: str | None,
    *,
    lasted_s: float | None = None,
    join_s: float | None = None,
) -> Event:
    """Return the event for the kernel's record, with the names and durations that userspace knows.

    `lasted_s`: how long the pair was on the previous path; `join_s`: see Detail.JOIN_S.
    """
    to, reason = abi.PATHS[change.to], abi.REASONS[change.reason]
    details: dict[Detail, Value] = {Detail.TO: to.value, Detail.REASON: reason and reason.value}
    if vf is not None:
        details[Detail.VF] = vf
    if lasted_s is not None:
        details[Detail.DURATION_S] = round(lasted_s, 6)
    if join_s is not None:
        details[Detail.JOIN_S] = round(join_s, 6)
    details |= {
        Detail.IFINDEX: change.synthetic_ifindex,
        Detail.BOOTTIME_NS: change.at,
        Detail.MONOTONIC_NS: CLOCKS.monotonic_of(change.at),
    }
    text = f"{to} ({reason})"
    return Event(Kind.SWITCHED, interface, text, change.at, details)


def interface_name(ifindex: int) -> str | None:
    """Return the current name of an interface of this thread's network namespace, None if it is gone."""
    try:
        return socket.if_indextoname(ifindex)
    except OSError:
        return None
