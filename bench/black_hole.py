# SPDX-License-Identifier: GPL-2.0-only
"""A VF that has carrier and whose frames go nowhere, in one direction: how soon it is left, what is lost.

A switch port swallows the frames of the VF, those it sends or those to it, under a numbered stream in that
direction, with 50 packets a second in the other one. netvsc-bpf asks the peer every 200 ms and leaves the
VF after three questions without an answer; the time is from the first packet that was swallowed to the
kernel's own time of the change of path. Holes come at any phase of the interval: three intervals pass
after the first question, which may be one interval late. Damping and holds are switched off or short, or
the fourth hole would be the last one.

Beside it bonding's active-backup mode with arp_interval=200, arp_missed_max as `missed`, and
arp_validate=all, without which it takes any incoming frame for an answer. The kernel of the developer's
machine may have no bonding, so both are measured again in a guest with Debian's kernel: in the same lab,
at a rate that an emulated processor can send.
"""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from bench.black_holes import BONDING, INTERVAL_MS, OURS, Outcome, measure, read
from bench.in_guest import run_in_guest
from bench.managed import percentile
from bench.report import Report, quartiles
from netvsc_bpf.lab.directions import Direction
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.model.errors import NetvscBpfError
from vm import machine
from vm.kernels import kernels

MISSED = 3
_LEFT_MS = 800.0
_MODULES = "veth bridge bonding nf_tables sch_ingress cls_bpf"
_LIMIT_S = 3600.0
_GUEST_RATE = 500


def in_guest(version: str, times: int) -> tuple[list[Outcome], str]:
    """Measure both in a guest; return the outcomes, and its kernel. Raises NetvscBpfError."""
    job = {"contenders": [(OURS, MISSED), (BONDING, MISSED)], "times": times, "rate": _GUEST_RATE}
    guest = machine.Machine(kernels()[version])
    ended = run_in_guest(lambda out: guest, "black_hole", _MODULES, _LIMIT_S, {"JOB": json.dumps(job)})
    found = ended.required(version)
    if len(found["outcomes"]) < 2 * len(job["contenders"]):  # type: ignore[arg-type]
        raise NetvscBpfError(f"measure on Linux {version}", f"the guest did not finish: {ended.console}")
    return [read(one) for one in found["outcomes"]], found["kernel"]


def _row(one: Outcome) -> tuple[object, ...]:
    left = (quartiles(one.left_ms)[1], percentile(one.left_ms, 0.99)) if one.left_ms else ("-", "-")
    return (
        f"{one.contender}, {one.direction}",
        f"{one.rate:.0f}",
        len(one.lost),
        *left,
        quartiles(one.silent_ms)[1],
        max(one.silent_ms),
        f"{quartiles(one.lost)[1]:.0f}",
        sum(one.lost),
    )


def _table(report: Report, title: str, outcomes: Sequence[Outcome]) -> None:
    columns = ("contender, direction", "packets/s", "holes", "left after ms, median", "99%")
    rest = ("packets lost for ms, median", "most", "lost, median", "in all")
    report.table(title, (*columns, *rest), [_row(one) for one in outcomes])
    for one in outcomes:
        if one.receiver_drops:
            report.say(f"{one.contender}: {one.receiver_drops} of the lost found a receiver's buffer full")


@click.command()
@click.option("--holes", default=30, show_default=True, help="Of each direction.")
@click.option("--rate", default=20_000, show_default=True, help="Packets a second to aim at.")
@click.option("--kernel", default="6.12", show_default=True, help="Version of the guest's kernel.")
@click.option(
    "--guest-holes", default=10, show_default=True, help="Of each direction, in the guest; 0: none."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(holes: int, rate: int, kernel: str, guest_holes: int, json_path: Path | None) -> None:
    """Let the VF reach nothing."""
    # So that the guest's QEMU is ended too when this process is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-black-hole: terminated"))
    report = Report("black-hole", json_path)
    guest, release = in_guest(kernel, guest_holes) if guest_holes else ([], "")
    enter_sandbox()
    here = [measure(OURS, direction, holes, rate, MISSED) for direction in Direction] if holes else []
    asked = f"asked every {INTERVAL_MS} ms, left after {MISSED} without an answer"
    if here:
        _table(report, f"in a lab; {asked}", here)
        report.raw("lab", [asdict(one) for one in here])
        for one in here:
            what = f"{one.direction}, {one.rate:.0f} packets/s: VF left, 99th percentile"
            report.claim(what, percentile(one.left_ms, 0.99), _LEFT_MS, "ms")
            report.claim(f"{one.direction}: holes", len(one.left_ms), holes, "", at_least=True)
    if guest:
        _table(report, f"in a lab in a guest, Linux {release}; {asked}", guest)
        report.raw("guest", {"kernel": release, "outcomes": [asdict(one) for one in guest]})
        for direction in Direction:
            mean = {
                one.contender: sum(one.silent_ms) / len(one.silent_ms)
                for one in guest
                if one.direction == direction
            }
            what = f"guest, {direction}: time without packets, mean, times bonding's"
            report.claim(what, mean[OURS] / mean[BONDING], 1.0, "")
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
