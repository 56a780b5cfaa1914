# SPDX-License-Identifier: GPL-2.0-only
"""The capture session: open taps as VFs come and go, read them, merge the frames, pass them on."""

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from netvsc_bpf import datapath
from netvsc_bpf.capture.frame import Interface, Sighting
from netvsc_bpf.capture.merge import Merge
from netvsc_bpf.capture.pcapng import Taken
from netvsc_bpf.capture.taps import Taps
from netvsc_bpf.capture.tcpdump import compile_filter
from netvsc_bpf.kernel.net.link_watch import drain, listen
from netvsc_bpf.kernel.net.packet_ring import MAX_SNAPLEN, RETIRE_MS, whole
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process.capabilities import CAP_NET_RAW, require

_RTMGRP_LINK = 1  # include/uapi/linux/rtnetlink.h
_SO_TIMESTAMPNS = 35
_TICK_S = RETIRE_MS / 1000
_LAG_NS = 4 * RETIRE_MS * 1_000_000
"""Frames are held back this long, so that all taps have been read by then and frames are in order."""

DEFAULT_SNAPLEN = MAX_SNAPLEN


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """What to capture."""

    interface: str
    expression: str = ""
    """See pcap-filter(7); empty takes everything."""
    snaplen: int = DEFAULT_SNAPLEN
    """Bytes of each frame."""
    count: int | None = None
    """Stop after this many frames."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a capture."""

    frames: int
    taken: tuple[tuple[Interface, Taken], ...]

    @property
    def dropped(self) -> int:
        """Frames that were dropped because a ring was full."""
        return sum(one.dropped for _, one in self.taken)


def capture(
    plan: CapturePlan,
    deliver: Callable[[Sequence[Sighting]], None],
    stopped: Callable[[], bool],
    opened: Callable[[Sequence[Interface]], None],
) -> Summary:
    """Capture until ``stopped()``, or until there are enough frames.

    ``deliver`` gets frames in order; ``opened`` is called with the devices that are newly captured on.

    Raises NotAttached, NoSuchNic, MissingCapability, Refused (expression), CannotHere (no tcpdump),
    KernelError.
    """
    what = f"cannot capture {plan.interface}"
    require(what, CAP_NET_RAW)
    with ExitStack() as undo:
        # The kernel starts to timestamp frames only some time after it is first asked to: ask first.
        stamping = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        stamping.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        (pair,) = datapath.status(plan.interface)
        program = whole(plan.snaplen)
        if plan.expression:
            program = compile_filter(pair.synthetic.name, plan.expression, plan.snaplen)
        link_changes = undo.enter_context(listen(_RTMGRP_LINK))
        rtnl = undo.enter_context(Rtnetlink())
        taps = Taps(rtnl, pair.synthetic.ifindex, program)
        undo.callback(taps.close)
        first = taps.follow()
        began = time.time_ns()  # ignore frames that were seen before all taps were open
        opened(first)
        frames = _loop(plan, taps, link_changes, Merge(began), deliver, stopped, opened)
        return Summary(frames, tuple(taps.taken()))


def _loop(
    plan: CapturePlan,
    taps: Taps,
    link_changes: socket.socket,
    merge: Merge,
    deliver: Callable[[Sequence[Sighting]], None],
    stopped: Callable[[], bool],
    opened: Callable[[Sequence[Interface]], None],
) -> int:
    done, busy = 0, False
    while not (last := stopped()):
        # The rings are read at intervals, not polled: while a device is down poll() returns at once, always.
        if select.select([link_changes], [], [], 0 if busy else _TICK_S)[0]:
            drain(link_changes)
            if new := taps.follow():
                opened(new)
        begun = time.time_ns()
        seen = taps.read()
        busy = bool(seen)
        merge.add(seen)
        done += _hand_on(merge.until(begun - _LAG_NS), plan.count, done, deliver)
        if plan.count is not None and done >= plan.count:
            return done
    if last:
        time.sleep(2 * _TICK_S)  # until the kernel has released its last blocks
        merge.add(taps.read())
    return done + _hand_on(merge.rest(), plan.count, done, deliver)


def _hand_on(
    frames: Sequence[Sighting], limit: int | None, done: int, deliver: Callable[[Sequence[Sighting]], None]
) -> int:
    wanted = frames if limit is None else frames[: limit - done]
    if wanted:
        deliver(wanted)
    return len(wanted)
