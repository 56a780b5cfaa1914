# SPDX-License-Identifier: GPL-2.0-only
"""BPF_PROG_TEST_RUN as a stopwatch."""

import ctypes
import time
from dataclasses import dataclass

from netvsc_bpf.kernel.bpf import libbpf

_SKB_WORDS = 48
_SKB_IFINDEX = 10
_XDP_WORDS = 6
_XDP_DATA_END = 1
_XDP_INGRESS_IFINDEX = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """Nanoseconds of one run, the loop around it included."""

    kernel_ns: int
    """By the kernel's own measurement of the loop, which it rounds down."""
    cpu_ns: float
    """By the thread's CPU clock over the whole call, which for XDP includes the patching of a dispatcher."""


def skb_context(ifindex: int) -> "ctypes.Array[ctypes.c_uint32]":
    """Return a struct __sk_buff of a packet on this interface of the thread's network namespace."""
    context = (ctypes.c_uint32 * _SKB_WORDS)()
    context[_SKB_IFINDEX] = ifindex
    return context


def xdp_context(ifindex: int, size: int) -> "ctypes.Array[ctypes.c_uint32]":
    """Return a struct xdp_md of a frame of ``size`` bytes that arrived on this interface."""
    context = (ctypes.c_uint32 * _XDP_WORDS)()
    context[_XDP_DATA_END] = size
    context[_XDP_INGRESS_IFINDEX] = ifindex
    return context


def measure(fd: int, frame: bytes, context: object, repeats: int) -> tuple[int, Cost]:
    """Run a program ``repeats`` times in one system call; return its answer and what one run cost."""
    begin = time.thread_time_ns()
    answer, kernel_ns = libbpf.test_run(fd, frame, context, repeat=repeats)
    return answer, Cost(kernel_ns, (time.thread_time_ns() - begin) / repeats)
