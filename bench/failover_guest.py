# SPDX-License-Identifier: GPL-2.0-only
"""Failover of an SR-IOV pair, by netvsc-bpf and by its competitors: `make bench-failover-guest`.

Each contender gets a guest that can plug its own devices (vm/qmp.py). The VF fails under numbered UDP
streams in both directions. A lost packet counts if it was sent after the moment at which the carrier was
reported off, or the kernel stopped the queues of a device that it closes. What was lost before is shown
separately: the VF had it already. The wire is a hub, so both NICs hear what is sent to the pair: a
contender that accepts it from either (mirred, or the bare VF beside a synthetic NIC that is up) loses
nothing of what it receives.

hv_netvsc is measured separately, alone and under netvsc-bpf: its host is simulated by a kernel module,
which delivers each frame by the one path that the driver asked for last. A lost carrier is observed for 4.5
s there instead of 0.4.
"""

import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench.failover_figures import Kind
from bench.failover_limits import judge, judge_on_hyperv, show
from bench.guest.names import CONTENDERS, OF_HYPERV, OURS
from bench.guest.row import Row
from bench.in_guest import run_in_guest
from bench.report import Report
from tests.vm import devices
from tests.vm.hyperv.build import built
from vm import machine, qmp
from vm.kernels import kernels

_MODULES = (
    "virtio_net igb igbvf e1000e dummy veth net_failover bonding team team_mode_activebackup "
    "sch_ingress cls_matchall act_mirred"
)
_KINDS = tuple(kind.value for kind in Kind)
Found = dict[str, Any]
"""What a guest wrote: `rows`, `tcp`, and which `kernel` it ran."""


def measure(version: str, job: dict[str, object], contenders: Sequence[str], limit_s: float) -> Found:
    """Boot a guest for each contender: an emulator that fails takes one of them with it, and not all."""
    return together([measure_one(version, job, name, limit_s) for name in contenders])


def together(parts: Sequence[Found]) -> Found:
    """Return several guests' findings as one; what was measured again replaces what was found before."""
    rows: list[dict[str, Any]] = []
    for part in parts:
        measured = {_of(row) for row in part["rows"]}
        names = {row["contender"] for row in part["rows"]}
        # A complaint that has no figures is out of date once its contender was measured again.
        rows = [
            row for row in rows if _of(row) not in measured and (row["tx"] or row["contender"] not in names)
        ]
        rows += part["rows"]
    rows.sort(key=lambda row: CONTENDERS.index(row["contender"]))
    tcp = next((part["tcp"] for part in reversed(parts) if part["tcp"]), {})
    # A guest that measured nothing knows its kernel's release only as it was asked for.
    measured_by = (part for part in reversed(parts) if any(row["tx"] for row in part["rows"]))
    return {"rows": rows, "tcp": tcp, "kernel": next(measured_by, parts[-1])["kernel"]}


def _of(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["contender"], row["failure"], json.dumps(row["wanted"], sort_keys=True)


def measure_one(version: str, job: dict[str, object], contender: str, limit_s: float) -> Found:
    """Boot a guest with this kernel and let it measure; what it has when the time is up, counts.

    Where it did not get to its end a row says so.
    """
    kernel = kernels()[version]
    options = [*devices.qemu_options(), *devices.HOT_SLOT, *devices.STANDBY.options]
    if contender in OF_HYPERV:
        options = devices.hyperv_options()
    settings = {
        "JOB": json.dumps({**job, "contenders": (contender,)}),
        "NETVSC_BPF_GUEST_KERNEL": version,
        "NETVSC_BPF_GUEST_HYPERV": str(built(kernel)),
    }
    ended = run_in_guest(
        lambda out: machine.Machine(kernel, devices=[*options, *qmp.qemu_options(out / "qmp")]),
        "failover",
        _MODULES,
        limit_s,
        settings,
    )
    found: Found = ended.result or {"rows": [], "tcp": {}, "kernel": version}
    if not (ended.finished and ended.result):
        why = f"the guest did not get to its end: {ended.console}"
        found["rows"].append(asdict(Row(contender, "", {}, problem=why)))
    return found


@click.command()
@click.option("--kernel", default="6.12", show_default=True, help="Version of the guest's kernel.")
@click.option(
    "--events", default=30, show_default=True, help="Failures of each kind, netvsc-bpf without a process."
)
@click.option("--others", default=10, show_default=True, help="Failures of each kind, everybody else.")
@click.option(
    "--rate",
    default=4000,
    show_default=True,
    help="Packets a second to aim at, each way at once, or one way twice.",
)
@click.option("--cycles", default=100, show_default=True, help="How often the VF goes under one TCP stream.")
@click.option("--only", multiple=True, type=click.Choice(CONTENDERS), help="Not all of them. Repeatable.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="Not every failure.")
@click.option("--minutes", default=60.0, show_default=True, help="How long each guest may take.")
@click.option(
    "--again",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Measure nothing: judge the raw numbers of earlier runs, of which the last counts. Repeatable.",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(
    kernel: str,
    events: int,
    others: int,
    rate: int,
    cycles: int,
    only: tuple[str, ...],
    kinds: tuple[str, ...],
    minutes: float,
    again: tuple[Path, ...],
    json_path: Path | None,
) -> None:
    """Count what failing over loses on a true SR-IOV pair."""
    # So that the guest's QEMU is ended too when this process is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-failover-guest: terminated"))
    earlier = [json.loads(path.read_text()) for path in again]
    runs = runs_of(earlier)
    report = Report("failover-guest", json_path, _as_one(earlier[-1], runs) if earlier else None)
    kinds = kinds or _KINDS
    job = {"events": events, "others": others, "rate": rate, "cycles": cycles, "kinds": kinds}
    if earlier:
        guest = earlier[-1]["raw"]["guest"]
        found = together([{**one["raw"], "kernel": one["raw"]["guest"]["kernel"]} for one in earlier])
    else:
        found = measure(kernel, job, only or CONTENDERS, minutes * 60)
        guest = {"kernel": found["kernel"], **job}
    report.raw("guest", guest)
    if runs:
        report.raw("runs", runs)
    report.raw("rows", found["rows"])
    report.raw("tcp", found["tcp"])
    rows = [Row.read(row) for row in found["rows"]]
    measured = [row for row in rows if row.tx]
    show(report, measured, found["kernel"])
    for row in rows:
        if row.problem:
            report.say(f"{row.contender}, {row.failure}: {row.problem}")
        if row.receiver_drops:
            drops = f"{row.receiver_drops} of the lost found a receiver's buffer full"
            report.say(f"{row.contender}, {row.failure}: {drops}")
    if OURS in (only or CONTENDERS):
        judge(report, measured, found["tcp"], events, cycles, kinds=len(kinds))
    judge_on_hyperv(report, measured, others)
    sys.exit(report.finish() or int(not measured))


def runs_of(earlier: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return when each of these runs began and its options; for a merged run, those of its parts."""
    runs: list[dict[str, str]] = []
    for one in earlier:
        runs += one["raw"].get("runs") or [{"date": one["date"], "options": one["options"]}]
    return runs


def _as_one(last: Mapping[str, Any], runs: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    days = sorted(run["date"][:10] for run in runs)
    return {**last, "options": f"--again of {len(runs)} runs, {days[0]} to {days[-1]}"}


if __name__ == "__main__":
    main()
