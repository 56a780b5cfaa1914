# SPDX-License-Identifier: GPL-2.0-only
"""Kernel timestamps: a device's queues are stopped, a driver reports loss of link, netlink is notified.

Kprobes (Documentation/trace/kprobetrace.rst) write the time of __dev_close_many(), which closes a device; of
dev_deactivate_many(), which stops its queues, then and when linkwatch finds its carrier lost; of
netif_carrier_off(), when a driver says so, and of
linkwatch_fire_event() within it, when the carrier is off; of netdev_state_change(), from which RTM_NEWLINK is
sent. They know nothing of what is measured, so that they time everybody's failover alike.

Between a driver's word and its effect lies more than a few instructions where the processor is emulated: its
thread may be put aside in between, for a millisecond.
"""

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from netvsc_bpf.kernel.bpf.btf import Btf

_TRACING = Path("/sys/kernel/tracing")
_GROUP = "bench_failover"
_LINE = re.compile(r"\s(\d+)\.(\d{6}): (\w+): .* ifindex=(\d+)")


class Moment(StrEnum):
    """What is stamped."""

    STOPPED = "stopped"
    CLOSING = "closing"
    GIVEN_UP = "given_up"
    CARRIER_OFF = "carrier_off"
    NOTIFIED = "notified"


def _probes() -> dict[Moment, str]:
    """Return what follows the name of each probe; the first argument is in a register of x86-64."""
    with Btf.of_kernel() as btf:
        members = btf.members("net_device")
    ifindex = members["ifindex"].offset
    # (struct list_head *): its first entry is the close_list of the only device, or the first of several.
    from_list = ifindex - members["close_list"].offset
    return {
        Moment.STOPPED: f"dev_deactivate_many ifindex={from_list:+d}(+0(%di)):s32",
        Moment.CLOSING: f"__dev_close_many ifindex={from_list:+d}(+0(%di)):s32",
        Moment.GIVEN_UP: f"netif_carrier_off ifindex=+{ifindex}(%di):s32",
        Moment.CARRIER_OFF: f"linkwatch_fire_event ifindex=+{ifindex}(%di):s32",
        Moment.NOTIFIED: f"netdev_state_change ifindex=+{ifindex}(%di):s32",
    }


@dataclass(frozen=True, slots=True)
class Stamp:
    """One call: CLOCK_MONOTONIC in ns, to the microsecond."""

    moment: Moment
    ifindex: int
    at_ns: int


def parse(trace: str) -> list[Stamp]:
    """Return the stamps of a trace file's text. Pure."""
    return [
        Stamp(Moment(name), int(ifindex), (int(seconds) * 1_000_000 + int(micros)) * 1000)
        for seconds, micros, name, ifindex in _LINE.findall(trace)
    ]


class LinkStamps:
    """The probes, from here to ``close``."""

    def __init__(self) -> None:
        """Set the probes. Raises OSError where the kernel has no kprobe events, NoBtf without BTF."""
        self._instance = _TRACING / "instances" / _GROUP
        self._instance.mkdir()
        (self._instance / "trace_clock").write_text("mono")
        for moment, probe in _probes().items():
            _append(f"p:{_GROUP}/{moment} {probe}")
        self._enable("1")

    def close(self) -> None:
        """Take the probes away."""
        self._enable("0")
        self._instance.rmdir()
        for moment in Moment:
            _append(f"-:{_GROUP}/{moment}")

    def clear(self) -> None:
        """Forget what was stamped."""
        (self._instance / "trace").write_text("")

    def first(self, moment: Moment, ifindex: int, since_ns: int = 0) -> int | None:
        """Return when a device had its first such moment since then; None: never."""
        found = (
            stamp.at_ns
            for stamp in parse((self._instance / "trace").read_text())
            if (stamp.moment, stamp.ifindex) == (moment, ifindex) and stamp.at_ns >= since_ns
        )
        return min(found, default=None)

    def _enable(self, word: str) -> None:
        (self._instance / "events" / _GROUP / "enable").write_text(word)


def _append(line: str) -> None:
    # Not Python's mode "a", which seeks to an end that this file has not.
    file = os.open(_TRACING / "kprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, line.encode() + b"\n")
    finally:
        os.close(file)
