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

from bench.failover_figures import CARRIER, PLANNED, Kind, gaps_ms, percentile, times_less
from bench.guest.names import (
    BONDING,
    CONTENDERS,
    HV_NETVSC,
    OF_HYPERV,
    ON_HV_NETVSC_RUNNING,
    OURS,
)
from bench.guest.row import Row
from bench.in_guest import run_in_guest
from bench.report import Report, quartiles
from tests.vm import devices
from tests.vm.hyperv.build import built
from vm import machine, qmp
from vm.kernels import kernels

_MODULES = (
    "virtio_net igb igbvf e1000e dummy veth net_failover bonding team team_mode_activebackup "
    "sch_ingress cls_matchall act_mirred"
)
_KINDS = tuple(kind.value for kind in Kind)
_TIMES_LESS = 50
"""Than bonding with miimon=100."""
_BACK_MS = 1000
"""How long ingress may be lost with a lost carrier on hv_netvsc, after the driver's report, with a manager.

Not where the PF goes down: igbvf looks at its link every two seconds, and as it is taken down it polls the
mailbox of its PF for 2.5 s (igbvf_reset()).
"""


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


def show(report: Report, measured: Sequence[Row], release: str) -> None:
    """Print a table for each kind of failure, and one of the returns."""
    gaps = ("gap, median", "gap, worst")
    columns = ("contender", "packets/s", "times", "lost", "median", "worst", "before", *gaps)
    apart = [row for row in measured if row.contender in OF_HYPERV]
    for prefix, group in (("", [row for row in measured if row not in apart]), ("hv_netvsc, ", apart)):
        for kind in Kind:
            lines = [_row(row, way) for row in group if row.failure == kind for way in ("tx", "rx")]
            if lines:
                title = f"{prefix}{kind}, Linux {release}: packets lost after the border, and before it"
                report.table(f"{title}; gaps in ms", columns, lines)
    columns = ("contender, failure", "times", "used again", "tx lost", "rx lost", "late", "twice", "s")
    report.table("and coming back", columns, [_return_row(row) for row in measured])
    for row in measured:
        if row.contender == OURS and row.failure in CARRIER:
            late = [one.told_late_ms for one in row.tx if one.told_late_ms is not None]
            after = f", {quartiles(late)[1]:.1f} ms after it in the median" if late else ""
            report.say(
                f"{row.failure}: netlink reported {len(late)} of {len(row.tx)} losses of carrier "
                f"while they lasted{after}"
            )


def _row(row: Row, way: str) -> tuple[object, ...]:
    leavings = row.leavings(way)
    after, gaps = [one.after for one in leavings], gaps_ms(leavings)
    return (
        f"{row.contender}, {way}",
        f"{row.rates.get(way, 0):.0f}",
        len(leavings),
        sum(after),
        quartiles(after)[1],
        max(after),
        sum(one.before for one in leavings),
        *((quartiles(gaps)[1], max(gaps)) if gaps else ("-", "-")),
    )


def _return_row(row: Row) -> tuple[object, ...]:
    both = [*row.tx_returns, *row.rx_returns]
    return (
        f"{row.contender}, {row.failure}",
        len(row.tx_returns),
        sum(one.used_again for one in row.tx_returns),
        sum(one.lost for one in row.tx_returns),
        sum(one.lost for one in row.rx_returns),
        sum(one.reordered for one in both),
        sum(one.duplicates for one in both),
        quartiles([one.seconds for one in row.tx_returns])[1],
    )


def judge(
    report: Report,
    measured: Sequence[Row],
    tcp: dict[str, Any],
    events: int,
    cycles: int,
    *,
    kinds: int = len(Kind),
) -> None:
    """Compare netvsc-bpf, without a userspace process, with what the documents promise."""
    ours = [row for row in measured if row.contender == OURS]
    theirs = {row.failure: row for row in measured if row.contender == BONDING}
    found = len({row.failure for row in ours})
    report.claim("kinds of failure that were measured", found, kinds, "", at_least=True)
    for row in ours:
        what = f"{row.failure}, {row.rates['tx']:.0f} packets/s out and {row.rates['rx']:.0f} in"
        report.claim(f"{what}: times", len(row.tx), events, "", at_least=True)
        for way in ("tx", "rx"):
            after = [one.after for one in row.leavings(way)]
            if row.failure in PLANNED:
                report.claim(f"{what}: {way} lost beyond what the VF had queued", sum(after), 0, "packets")
            elif row.failure in CARRIER:
                lost = percentile(after, 0.99)
                report.claim(f"{what}: {way} lost from carrier-off on, 99th percentile", lost, 1, "packets")
        report.claim(f"{what}: used again each time", _used_again(row), len(row.tx), "", at_least=True)
        if row.failure in theirs and row.failure in CARRIER:
            peer = theirs[row.failure]
            ratio = times_less([*row.tx, *row.rx], [*peer.tx, *peer.rx])
            report.claim(f"{what}: times less than bonding loses", ratio, _TIMES_LESS, "", at_least=True)
    report.claim("TCP: cycles of down and up", tcp.get("cycles", 0), cycles, "", at_least=True)
    report.claim("TCP: every byte arrived", tcp.get("intact", False), 1, "", at_least=True)
    if tcp:
        report.claim("TCP: retransmission timeouts", tcp["TCPTimeouts"], 0, "")


def judge_on_hyperv(report: Report, measured: Sequence[Row], times: int) -> None:
    """Hold ours on hv_netvsc against its limits, and say what the driver does alone."""
    for row in measured:
        if row.contender not in OF_HYPERV:
            continue
        what = f"{row.contender}, {row.failure}"
        if row.failure in CARRIER:
            _say_when_ingress_is_back(report, row)
        if row.contender == HV_NETVSC:
            continue
        report.claim(f"{what}: times", len(row.tx), times, "", at_least=True)
        ways = ("tx", "rx") if row.failure in PLANNED else ("tx",) if row.failure in CARRIER else ()
        for way in ways:
            lost = sum(one.after for one in row.leavings(way))
            report.claim(f"{what}: {way} lost after the border", lost, 0, "packets")
        if row.contender == ON_HV_NETVSC_RUNNING and row.failure in (Kind.WIRE, Kind.WIRE_AGAIN):
            back = [one.restored_ms or one.gap_ms for one in row.rx]
            report.claim(f"{what}: rx is back at the latest after", max(back), _BACK_MS, "ms")
        again = sum(one.used_again for one in row.tx_returns)
        report.claim(f"{what}: used again each time", again, len(row.tx), "", at_least=True)


def _say_when_ingress_is_back(report: Report, row: Row) -> None:
    """Nothing that arrived after a lost carrier's border: the host still delivers by the VF."""
    gaps = [one.gap_ms for one in row.rx]
    lasting = sum(one.cut_off for one in row.rx)
    report.say(
        f"{row.contender}, {row.failure}: nothing is received for {quartiles(gaps)[1]:.0f} ms in the median, "
        f"{min(gaps):.0f} to {max(gaps):.0f}; {lasting} times of {len(gaps)} for most of the time"
    )
    closed = [one.closed_ms for one in row.rx if one.closed_ms is not None]
    restored = [one.restored_ms for one in row.rx if one.restored_ms is not None]
    if closed and restored:
        report.say(
            f"from the driver's own report of the loss the kernel begins to close the VF after "
            f"{quartiles(closed)[1]:.0f} ms in the median, {max(closed):.0f} at most, and it is received "
            f"again after {quartiles(restored)[1]:.0f}, {max(restored):.0f} at most"
        )


def _used_again(row: Row) -> int:
    """Count the failures that the kernel answered by leaving once and returning once."""
    again = zip(row.tx_returns, row.path_changes, strict=True)
    return sum(one.used_again and changes == 2 for one, changes in again)


if __name__ == "__main__":
    main()
