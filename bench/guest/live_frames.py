# SPDX-License-Identifier: GPL-2.0-only
"""Receiving without a sender: BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES.

An XDP program that passes everything hands each frame to the stack as if it had arrived on the device.
"""

import time

from bench import calls
from bench.calls import XDP
from bench.test_run import xdp_context
from netvsc_bpf.kernel.bpf import libbpf

_LIVE_FRAMES, _BATCH = 2, 64  # BPF_F_TEST_XDP_LIVE_FRAMES, include/uapi/linux/bpf.h
_XDP_PASS = 2
_WARM_UP = 100_000


def frame(to: str) -> bytes:
    """Return an ARP frame for this MAC.

    A device without ARP (`ip link set X arp off`) delivers it to arp_rcv(), net/ipv4/arp.c, which consumes it
    at once. That is the end of a packet that somebody wanted; a protocol without a listener is a drop.
    """
    return bytes.fromhex(to.replace(":", "")) + bytes.fromhex("020000000001 0806") + bytes(46)


def receive(ifindex: int, frame: bytes, frames: int, program: int | None = None) -> float:
    """Let frames arrive on a device; return ns for one. An XDP `program` is run on each as a driver does it.

    A run takes some ms by itself and ends with the timer's tick, so what counts is how much longer it takes
    for so many frames more: to 4 ms (HZ=250), which is 1 ns a frame of four million.
    """
    if program is None:
        program = calls.load(XDP, calls.answering(_XDP_PASS))
    context = xdp_context(ifindex, len(frame))

    def took_ns(repeat: int, program: int = program) -> int:
        begin = time.monotonic_ns()
        libbpf.test_run(program, frame, context, repeat=repeat, flags=_LIVE_FRAMES, batch_size=_BATCH)
        return time.monotonic_ns() - begin

    least = took_ns(_WARM_UP)
    return (took_ns(_WARM_UP + frames) - least) / frames
