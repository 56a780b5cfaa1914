# SPDX-License-Identifier: GPL-2.0-only
"""drain and undrain under numbered streams in both directions: is anything lost, and how long does each take?

Each round drains the pair and undrains it: without a manager, beside one, and with the manager killed
between the two and started again afterwards. Damping has its defaults: if a drain counted as a failure, the
fourth would be the last. The fabric is a learning switch.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from bench.managed import Managed, percentile
from bench.report import Report, quartiles
from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.manager.events.running_manager import RunningManager
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.path import Path as WayOut
from netvsc_bpf.model.path import Reason

SETTLE_MS = 1000
"""Long enough for the switch's port to be open again, on a busy machine as well."""
_RATE = 2000
_BATCH = 20
"""Rounds under one pair of streams."""
_STAY_S = 0.1
"""On each path, beside what the commands take."""
_PATIENCE_S = 60.0


@dataclass(slots=True)
class Tally:
    """The rounds of one arrangement."""

    name: str
    sent: dict[str, int] = field(default_factory=lambda: {"tx": 0, "rx": 0})
    lost: dict[str, int] = field(default_factory=lambda: {"tx": 0, "rx": 0})
    by_vf: int = 0
    """Packets that were on the VF, of either direction, while the pair was drained."""
    wrong: list[str] = field(default_factory=list)
    drain_s: list[float] = field(default_factory=list)
    undrain_s: list[float] = field(default_factory=list)
    warnings: int = 0
    """Events of the manager that report a failure, or that the VF is damped."""


Between = Callable[[], None]
"""What happens while the pair is drained."""


def alone(rounds: int) -> Tally:
    """Drain and undrain without a manager."""
    tally = Tally("without a manager")
    with Lab() as lab:
        try:
            lab.in_guest(datapath.attach, "eth0", AttachOptions(any_bus=True, settle_ms=SETTLE_MS))
            _rounds(lab, tally, rounds)
        finally:
            lab.in_guest(datapath.detach_all)
    return tally


def managed(rounds: int, *, killed: bool) -> Tally:
    """Drain and undrain beside a manager, which is killed in between."""
    tally = Tally("manager killed in between" if killed else "beside a manager")
    with ExitStack() as undo:
        lab = undo.enter_context(Lab())
        manager = undo.enter_context(Managed(lab, SETTLE_MS))
        manager.wait("the pair on its VF", lambda: _where(lab) == (WayOut.VF, Reason.ARMED))
        if killed:
            _rounds(lab, tally, rounds, manager.kill, manager.start)
        else:
            _rounds(lab, tally, rounds)
        tally.warnings = sum(event["severity"] != "info" for event in manager.events)
    return tally


def _rounds(lab: Lab, tally: Tally, rounds: int, kill: Between = int, start: Between = int) -> None:
    left = rounds
    while left > 0:
        with _streams(lab, tally):
            for _ in range(min(_BATCH, left)):
                _round(lab, tally, kill, start)
        left -= _BATCH


@contextmanager
def _streams(lab: Lab, tally: Tally) -> Iterator[None]:
    plans = [
        replace(udp_plan(lab, way, rate=_RATE), limit_s=10.0 * _BATCH) for way in (Direction.TX, Direction.RX)
    ]
    with UdpStream(plans[0]) as tx, UdpStream(plans[1]) as rx:
        time.sleep(_STAY_S)
        yield
        time.sleep(_STAY_S)
        for way, stream in (("tx", tx), ("rx", rx)):
            result = stream.stop()
            tally.sent[way] += result.sent
            tally.lost[way] += result.lost


def _round(lab: Lab, tally: Tally, kill: Between, start: Between) -> None:
    tally.drain_s.append(
        _timed(lambda: lab.in_guest(datapath.drain, "eth0", None, "bench", RunningManager()))
    )
    _expect(lab, tally, WayOut.SYNTHETIC, Reason.DRAINED)
    before = _by_vf(lab)
    kill()
    time.sleep(_STAY_S)
    tally.by_vf += _by_vf(lab) - before
    tally.undrain_s.append(_timed(lambda: lab.in_guest(datapath.undrain, "eth0", RunningManager())))
    start()
    _wait(lab)
    time.sleep(_STAY_S)
    _expect(lab, tally, WayOut.VF, Reason.ARMED)


def _timed(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def _where(lab: Lab) -> tuple[WayOut, Reason] | None:
    found = lab.in_guest(datapath.status)
    return (found[0].path, found[0].reason) if found else None


def _expect(lab: Lab, tally: Tally, path: WayOut, reason: Reason) -> None:
    if (now := _where(lab)) != (path, reason):
        tally.wrong.append(str(now))


def _wait(lab: Lab) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while _where(lab) != (WayOut.VF, Reason.ARMED):
        if time.monotonic() > deadline:
            raise NetvscBpfError("wait for the VF", f"not used in {_PATIENCE_S:.0f} s: {_where(lab)}")
        time.sleep(0.005)


def _by_vf(lab: Lab) -> int:
    (one,) = lab.in_guest(datapath.status)
    return one.tx.vf.packets + one.rx.vf.packets


@click.command()
@click.option("--rounds", default=200, show_default=True, help="Of each arrangement.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(rounds: int, json_path: Path | None) -> None:
    """Drain and undrain."""
    enter_sandbox()
    report = Report("drain", json_path)
    tallies = [alone(rounds), managed(rounds, killed=False), managed(rounds, killed=True)]
    rows = [
        (
            *(one.name, len(one.drain_s), sum(one.sent.values()), one.lost["tx"], one.lost["rx"], one.by_vf),
            *(1e3 * quartiles(one.drain_s)[1], 1e3 * percentile(one.drain_s, 0.99)),
            *(1e3 * quartiles(one.undrain_s)[1], 1e3 * percentile(one.undrain_s, 0.99)),
        )
        for one in tallies
    ]
    columns = ("arrangement", "rounds", "sent", "lost tx", "lost rx", "by the VF while drained")
    times = ("drain ms, median", "drain, 99%", "undrain ms, median", "undrain, 99%")
    report.table(f"settle time {SETTLE_MS} ms, {_RATE} packets/s each way", (*columns, *times), rows)
    for one in tallies:
        for wrong in one.wrong:
            report.say(f"{one.name}: {wrong}")
        report.raw(one.name, {"drain_s": one.drain_s, "undrain_s": one.undrain_s, "lost": one.lost})
    report.claim("packets lost", sum(sum(one.lost.values()) for one in tallies), 0, "packets")
    report.claim("packets by the VF while drained", sum(one.by_vf for one in tallies), 0, "packets")
    report.claim("states that were wrong", sum(len(one.wrong) for one in tallies), 0, "")
    report.claim("warnings of the manager", sum(one.warnings for one in tallies), 0, "")
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
