# SPDX-License-Identifier: GPL-2.0-only
"""The demo: a lab, traffic both ways, a VF that is removed and returns, and what that costs.

Everything is verified: the path is read from the data path and counted at the switch, every packet is
accounted for, and at the end the kernel is checked for leftovers.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from netvsc_bpf.lab import leak_check
from netvsc_bpf.lab.cli import Product
from netvsc_bpf.lab.demo_result import NO_PATH, DemoResult, EventResult
from netvsc_bpf.lab.demo_script import Step, script
from netvsc_bpf.lab.directions import Direction, tcp_plan, udp_plan
from netvsc_bpf.lab.leak_check import Leftovers
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.tcp import TcpResult, TcpStream
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpResult, UdpStream
from netvsc_bpf.lab.wiring import index_of, with_rtnl

UDP_RATE = 5_000
"""Packets a second, each way."""
_TCP_BYTES = 400
"""Bytes of TCP a second for each of these packets."""
_PATIENCE_S = 10.0
_DWELL_S = 0.5
_TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of the demo. Counts are packets for UDP and bytes for TCP."""

    title: str
    number: int
    of: int
    path: str
    sent: int
    received: int
    tcp_bytes: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """One completed step; its losses are known only at the end."""

    step: Step
    begin_ns: int
    done_ns: int
    before: str
    after: str
    vf_share: float


def run_demo(watch: Callable[[Progress], None], rate: int = UDP_RATE) -> DemoResult:
    """Run the demo inside a sandbox; ``watch`` is called about ten times a second.

    `rate` is in packets a second, each way; a slow machine needs a lower one.

    Raises:
        NetvscBpfError: the lab could not be built, or a command of the product failed.
    """
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(LabPlan(fabric=Fabric.HOST)))
        demo = _Demo(lab, watch, stack, rate)
        seen, end_ns = demo.play()
        tx, rx, tcp = demo.stop()
        left_by_detach = Leftovers((), leak_check.pins(), leak_check.hooks(lab.guest))
    return DemoResult(
        how=demo.how,
        events=tuple(_results(seen, end_ns, tx, rx)),
        tx=tx,
        rx=rx,
        tcp=tcp,
        left_by_detach=left_by_detach,
        left_by_lab=Leftovers(leak_check.namespaces(), leak_check.pins(), ()),
    )


class _Demo:
    def __init__(self, lab: Lab, watch: Callable[[Progress], None], stack: ExitStack, rate: int) -> None:
        self.how: dict[str, str] = {}
        self._lab = lab
        self._watch = watch
        self._tx = stack.enter_context(UdpStream(udp_plan(lab, Direction.TX, rate=rate)))
        self._rx = stack.enter_context(UdpStream(udp_plan(lab, Direction.RX, rate=rate)))
        self._tcp = stack.enter_context(TcpStream(tcp_plan(lab, Direction.TX, rate=rate * _TCP_BYTES)))
        self._product = Product(lab.guest, self._tick)
        self._steps = script(lab, self._product)
        self._number = 0
        self._path = NO_PATH

    def play(self) -> tuple[list[_Seen], int]:
        """Play all events; return what was seen and when it ended."""
        seen = []
        for step in self._steps:
            self._number += 1
            before, begin_ns = self._path, time.monotonic_ns()
            step.act()
            done_ns = time.monotonic_ns()
            self._wait_for_path(step.expected.path)
            seen.append(_Seen(step, begin_ns, done_ns, before, self._path, self._dwell()))
        return seen, time.monotonic_ns()

    def stop(self) -> tuple[UdpResult, UdpResult, TcpResult]:
        """End the streams."""
        return self._tx.stop(), self._rx.stop(), self._tcp.stop()

    def _wait_for_path(self, path: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            status = self._product.status()
            self._path = NO_PATH if status is None else str(status["path"])
            if status is not None and not self.how:
                self.how = {key: str(status[key]) for key in ("hook", "liveness", "rx", "guard")}
            if self._path == path or time.monotonic() > deadline:
                return

    def _dwell(self) -> float:
        """Let traffic flow; return the share of it that the switch got from the VF."""
        vf_before, synthetic_before = self._frames()
        deadline = time.monotonic() + _DWELL_S
        while time.monotonic() < deadline:
            self._tick()
            time.sleep(_TICK_S)
        vf, synthetic = self._frames()
        vf, synthetic = vf - vf_before, synthetic - synthetic_before
        return vf / max(1, vf + synthetic)

    def _frames(self) -> tuple[int, int]:
        pair = self._lab.plan.pair(0)

        def count(rtnl: Any) -> tuple[int, int]:
            return _received(rtnl, pair.vf_port), _received(rtnl, pair.synthetic_port)

        return with_rtnl(self._lab.fabric, count)

    def _tick(self) -> None:
        # Read the received counter first: read later, it could be larger than the sent one.
        received = self._tx.received + self._rx.received
        self._watch(
            Progress(
                title=self._steps[self._number - 1].title,
                number=self._number,
                of=len(self._steps),
                path=self._path,
                sent=self._tx.sent + self._rx.sent,
                received=received,
                tcp_bytes=self._tcp.received,
            )
        )


def _received(rtnl: Any, port: str) -> int:
    """Count the frames that a port received; 0 if the port is gone with its VF."""
    if not rtnl.link_lookup(ifname=port):
        return 0
    (link,) = rtnl.get_links(index_of(rtnl, port))
    return int(link.get_attr("IFLA_STATS64")["rx_packets"])


def _results(seen: list[_Seen], end_ns: int, tx: UdpResult, rx: UdpResult) -> list[EventResult]:
    ends = [one.begin_ns for one in seen[1:]] + [end_ns]
    return [
        EventResult(
            title=one.step.title,
            expected=one.step.expected,
            before=one.before,
            after=one.after,
            vf_share=one.vf_share,
            done_ns=one.done_ns,
            tx=tx.window(one.begin_ns, end),
            rx=rx.window(one.begin_ns, end),
        )
        for one, end in zip(seen, ends, strict=True)
    ]
