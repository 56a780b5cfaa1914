# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench-failover-guest` prints of its rows, and holds against its limits."""

from collections.abc import Sequence
from typing import Any

from bench.failover_figures import CARRIER, PLANNED, Kind, gaps_ms, percentile, times_less
from bench.guest.names import BONDING, HV_NETVSC, OF_HYPERV, ON_HV_NETVSC_RUNNING, OURS
from bench.guest.row import Row
from bench.report import Report, quartiles

_TIMES_LESS = 50
"""Than bonding with miimon=100."""
_BACK_MS = 1000
"""How long ingress may be lost on hv_netvsc after the driver reported a lost carrier, with a manager.

Not where the PF goes down: igbvf looks at its link every two seconds, and as it is taken down it polls the
mailbox of its PF for 2.5 s (igbvf_reset()).
"""


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
