# SPDX-License-Identifier: GPL-2.0-only
"""Numbered packets both ways while something is done to the machine."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from tests.deb.machine import LIMIT_S, StepFailed

RATE = 20_000
"""Packets a second, each way."""


@contextmanager
def nothing_lost(lab: Lab, what: str) -> Iterator[None]:
    """Send packets both ways for the block and print the counts. Raises StepFailed if one is lost."""
    with ExitStack() as opened:
        streams = [
            opened.enter_context(UdpStream(udp_plan(lab, direction, rate=RATE))) for direction in Direction
        ]
        began = time.monotonic()
        _go_on(streams)
        yield
        _go_on(streams)
        took = time.monotonic() - began
        results = [stream.stop() for stream in streams]
    for direction, one in zip(Direction, results, strict=True):
        print(
            f"  {what}: {direction}: {one.sent:,} sent, {one.lost} lost, {one.duplicates} twice, "
            f"{one.sent / took:,.0f}/s, longest gap {one.longest_gap_s * 1000:.1f} ms",
            flush=True,
        )
        if one.lost or one.duplicates or one.refused or not one.sent:
            raise StepFailed(f"{what}: {direction}: packets lost or duplicated")


def _go_on(streams: list[UdpStream]) -> None:
    """Wait until each stream has carried a tenth of a second's packets more."""
    goals = [stream.received + RATE // 10 for stream in streams]
    deadline = time.monotonic() + LIMIT_S / 10
    while any(one.received < goal for one, goal in zip(streams, goals, strict=True)):
        if time.monotonic() > deadline:
            raise StepFailed("traffic stopped")
        time.sleep(0.01)
