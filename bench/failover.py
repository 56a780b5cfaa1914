# SPDX-License-Identifier: GPL-2.0-only
"""What a stream from guest to peer loses when the VF fails and no process of netvsc-bpf runs.

Each kind of event is repeated under one numbered UDP stream. Leaving and returning are counted separately:
a packet belongs to the leaving from the moment the VF is touched until it is given back, otherwise to the
return. A control of the same length, without any event, shows what the machine itself loses.
"""

import sys
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import click

from bench.device_drops import DeviceDrops
from bench.events import DELETION, EVENTS, REMOVAL, Event, WatchedPair, no_event
from bench.report import Report, quartiles
from bench.wire import deliver_what_was_taken
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.recording import Loss
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.errors import NetvscBpfError

RATE = 50_000
SETTLE_MS = 200
"""Long enough for the switch's port to be open again: returning before it is would lose packets."""
_BATCH = 10
"""Events under one stream: its records are kept in memory until it ends."""
_DWELL_S = 0.1
_MOST_S = 10.0
"""What one event may take before the stream's records are full."""


@dataclass(slots=True)
class Tally:
    """What became of one kind of event."""

    event: Event
    leavings: list[Loss] = field(default_factory=list)
    returns: list[Loss] = field(default_factory=list)
    device_drops: list[int] = field(default_factory=list)
    """For each leaving, what the VF had taken and then dropped by its own count."""
    between: int = 0
    """Packets lost in neither: before a first event."""
    duplicates: int = 0
    rates: list[float] = field(default_factory=list)

    @property
    def counted(self) -> list[int]:
        """For each leaving, the packets that it cost."""
        own = self.device_drops if self.event.drops_first else [0] * len(self.leavings)
        return [loss.lost - dropped for loss, dropped in zip(self.leavings, own, strict=True)]

    @property
    def violations(self) -> list[str]:
        """Say which leavings lost more than they may."""
        return [
            f"{self.event.name}, event {number}: {lost} lost"
            for number, lost in enumerate(self.counted, start=1)
            if lost > self.event.most
        ]


def measure(events: int, *, rate: int = RATE, settle_ms: int = SETTLE_MS) -> list[Tally]:
    """Let each kind of event happen ``events`` times; the last tally is the control's. Needs the sandbox.

    Raises NetvscBpfError where the kernel does not change the path, or the receiver itself drops packets.
    """
    with ExitStack() as undo:
        lab = undo.enter_context(Lab())
        deliver_what_was_taken(lab)
        pair = WatchedPair(lab, settle_ms)
        undo.callback(pair.close)
        tallies = []
        begin = time.monotonic()
        for event in EVENTS:
            tallies.append(_repeat(pair, event, events, rate))
        length_s = (time.monotonic() - begin) / (events * len(EVENTS))
        tallies.append(_repeat(pair, no_event(max(0.0, length_s - 2 * _DWELL_S)), events, rate))
        return tallies


def _repeat(pair: WatchedPair, event: Event, events: int, rate: int) -> Tally:
    tally = Tally(event)
    while len(tally.leavings) < events:
        _batch(pair, event, min(_BATCH, events - len(tally.leavings)), rate, tally)
    return tally


def _batch(pair: WatchedPair, event: Event, events: int, rate: int, tally: Tally) -> None:
    plan = replace(udp_plan(pair.lab, Direction.TX, rate=rate), limit_s=_MOST_S * (events + 1))
    with UdpStream(plan) as stream, closing(DeviceDrops(pair.lab, "vf0")) as own_drops:
        pair.wait_for_path(vf=True)
        time.sleep(_DWELL_S)
        borders: list[int] = []
        device_drops: list[int] = []
        for _ in range(events):
            own_drops.begin()
            borders.append(time.monotonic_ns())
            event.leave(pair)
            time.sleep(_DWELL_S)
            pair.wait_for_path(vf=not event.leaves)
            _check_alone(pair)
            device_drops.append(own_drops.since())
            borders.append(time.monotonic_ns())
            event.come_back(pair)
            pair.wait_for_path(vf=True)
            time.sleep(_DWELL_S)
        seconds = (time.monotonic_ns() - borders[0]) / 1e9
        result = stream.stop()
    borders.append(time.monotonic_ns())
    losses = [result.window(begin, end) for begin, end in pairwise(borders)]
    if result.receiver_drops:
        raise NetvscBpfError(
            "find the cause of a loss",
            f"the receiver itself dropped {result.receiver_drops} of {result.lost} lost packets",
            "repeat it at a quieter moment",
        )
    tally.leavings += losses[::2]
    tally.device_drops += device_drops
    tally.returns += losses[1::2]
    tally.between += result.lost - sum(loss.lost for loss in losses)
    tally.duplicates += result.duplicates
    tally.rates.append(sum(loss.sent for loss in losses) / seconds)


def _check_alone(pair: WatchedPair) -> None:
    """Make sure that no process helped to leave the VF: only the sender runs in the guest."""
    if others := [line for line in pair.processes() if "netvsc_bpf.lab.udp_send" not in line]:
        raise NetvscBpfError("measure without a process", f"the guest runs {', '.join(others)}")


@click.command()
@click.option("--events", default=100, show_default=True, help="How often each kind of event happens.")
@click.option("--rate", default=RATE, show_default=True, help="Packets a second.")
@click.option("--settle", "settle_ms", default=SETTLE_MS, show_default=True, help="ms before the VF is used.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(events: int, rate: int, settle_ms: int, json_path: Path | None) -> None:
    """Count what a stream loses when its VF goes."""
    enter_sandbox()
    report = Report("failover", json_path)
    tallies = measure(events, rate=rate, settle_ms=settle_ms)
    columns = ("times", "sent", "lost", "worst", "longest gap", "median gap", "beyond the sender's")
    report.table(
        f"UDP from guest to peer, {rate} packets/s wanted, settle {settle_ms} ms, gaps in ms",
        ("leaving", *columns, "dropped by the VF"),
        [(tally.event.name, *_row(tally.leavings), sum(tally.device_drops)) for tally in tallies],
    )
    report.table(
        "and coming back",
        ("returning", *columns),
        [(_return_name(tally), *_row(tally.returns)) for tally in tallies],
    )
    for tally in tallies:
        report.say(
            f"{tally.event.name}: {quartiles(tally.rates)[1]:.0f} packets/s in the median batch, "
            f"{tally.duplicates} duplicates, {tally.between} lost before any event"
        )
        for violation in tally.violations:
            report.say(violation)
        parts = {"leavings": tally.leavings, "returns": tally.returns}
        report.raw(tally.event.name, {part: [asdict(x) for x in losses] for part, losses in parts.items()})
        what = f"{tally.event.name}, lost by one leaving"
        if tally.event.drops_first:
            what += " beyond what the VF dropped itself"
        report.claim(what, max(tally.counted), tally.event.most, "packets")
    sys.exit(report.finish())


def _return_name(tally: Tally) -> str:
    return f"{tally.event.name}, attach" if tally.event in (REMOVAL, DELETION) else tally.event.name


def _row(losses: list[Loss]) -> tuple[object, ...]:
    gaps = [1e3 * loss.longest_gap_s for loss in losses]
    beyond = [1e3 * max(0.0, loss.longest_gap_s - loss.longest_pause_s) for loss in losses]
    return (
        len(losses),
        sum(loss.sent for loss in losses),
        sum(loss.lost for loss in losses),
        max(loss.lost for loss in losses),
        max(gaps),
        quartiles(gaps)[1],
        max(beyond),
    )


if __name__ == "__main__":
    main()
