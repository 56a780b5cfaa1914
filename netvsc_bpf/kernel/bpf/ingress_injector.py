# SPDX-License-Identifier: GPL-2.0-only
"""Has an interface receive a frame that was on no wire.

A tc program of four instructions is run by BPF_PROG_TEST_RUN with the frame as its packet, and redirects a
clone to the ingress of the interface. The kernel treats the clone like a frame that a driver received in
software (dev_forward_skb_nomtu(), netif_rx()): tc filters, generic XDP and packet sockets see it, native XDP
and the device's own counters do not. Nothing is attached, and nothing is sent.
"""

import ctypes
import os
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.instructions import instruction
from netvsc_bpf.kernel.process.errnos import is_absent


class _SkbContext(ctypes.Structure):
    """struct __sk_buff; `ifindex` becomes the device of the skb (Linux 5.9), the rest must be zero."""

    _fields_ = [
        ("before", ctypes.c_uint32 * 10),
        ("ifindex", ctypes.c_uint32),
        ("after", ctypes.c_uint32 * 37),
    ]


_CLONE_REDIRECT = 13  # enum bpf_func_id
_INGRESS = 1  # BPF_F_INGRESS
_NET_RX_SUCCESS = 0
_PROGRAM = (
    instruction(0x61, dst=2, src=1, offset=_SkbContext.ifindex.offset)  # r2 = skb->ifindex
    + instruction(0xB7, dst=3, immediate=_INGRESS)
    + instruction(0x85, immediate=_CLONE_REDIRECT)  # r0 = bpf_clone_redirect(skb, r2, r3)
    + instruction(0x95)
)


class IngressInjector:
    """The program, loaded until it is closed. It needs CAP_BPF and CAP_NET_ADMIN; raises OSError."""

    def __init__(self) -> None:
        self._program = libbpf.prog_load(libbpf.SCHED_CLS_PROGRAM, "inject", _PROGRAM)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unload the program."""
        os.close(self._program)

    def receive(self, ifindex: int, frame: bytes) -> bool:
        """Have an interface of this thread's network namespace receive a frame (Ethernet, without checksum).

        Returns False if the interface is gone or down, or the backlog of this CPU is full. Raises OSError for
        anything else.
        """
        context = _SkbContext(ifindex=ifindex)
        try:
            result, _ = libbpf.test_run(self._program, frame, context)
        except OSError as error:
            if not is_absent(error):
                raise
            return False
        return result == _NET_RX_SUCCESS
