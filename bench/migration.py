# SPDX-License-Identifier: GPL-2.0-only
"""Live migration of a guest whose VF is unplugged before and plugged in after: `make bench-migration`.

Two QEMUs on this machine, without KVM, whose virtio NIC and VF (an emulated e1000e in a slot that can be
plugged) are ports of one bridge that learns. The guest migrates there and back while it and a peer send each
other 250 numbered UDP packets and 40 KiB of a TCP stream a second. The host does what docs/kvm.md says:
unplug the VF, migrate, plug it in when the guest runs on the other side. With net_failover QEMU does it.

A packet counts as lost to the unplug if the gap that it is in touches the time from the request to a second
after the VF was gone. The driver's among these are counted separately: what the guest sent before the kernel
left the VF (known of netvsc-bpf alone), as a driver drops what it gets once it began to close, and what the
peer sent before the bridge heard the guest by the other port. A packet counts as lost to the pause if its gap
touches the time in which the guest stood still, which no guest can help. What else is lost went to a port
where the guest did not listen any more, or not yet.

*used* is the time from plugging the VF in until the first frame of the guest by it, most of which the
emulated driver takes; *settled* that from the carrier of the VF until the kernel used it, by the guest's own
clock. *learnt from* is the kind of frame from which the bridge learnt each change, in the order of changes.
`killed` is a guest whose manager was killed before each unplug and started after the VF was plugged in.
"""

import signal
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from bench.report import Report
from netvsc_bpf.lab.sandbox import enter_sandbox
from tests.kernel.support.manager_log import objects_in
from tests.migration.contenders import Kind
from tests.migration.image import image
from tests.migration.losses import Phase
from tests.migration.run import JUDGED, KERNEL, judged
from tests.migration.trip import Found, Trip
from vm import qmp
from vm.kernels import kernels

_SETTLE_MS = 100.0
_LATE_MS = 1000.0
"""How much longer than its settle time a VF may take from its carrier until it is used."""


def settled_ms(found: Found) -> list[float]:
    """Return, for each return to the VF, the time since its carrier came, by the guest's clock."""
    carriers = list(objects_in(found.notes.get("links", "").splitlines()))
    switches = objects_in(found.notes.get("manager", "").splitlines())
    waits = []
    for switch in switches:
        if switch["event"] == "switched" and switch["to"] == "vf":
            at = switch["monotonic_ns"]
            since = [one["at"] for one in carriers if one["carrier"] and one["at"] <= at]
            if since:
                waits.append((at - max(since)) / 1e6)
    return waits


def _learnt_from(found: Found) -> str:
    """Return the kinds of frames that moved the guest's MAC from port to port, after the first unplug."""
    begin = found.times[0].unplug
    return " ".join(one.kind for one in found.heard if one.at >= begin)


def measured(kinds: Sequence[Kind], times: int) -> dict[Kind, list[Found]]:
    """Run each contender this often, one after the other, so that all see the machine alike."""
    guest, found = image(kernels()[KERNEL]), {kind: list[Found]() for kind in kinds}
    enter_sandbox()  # the namespaces end with this process, however it ends
    for number in range(times):
        for kind in kinds:
            with tempfile.TemporaryDirectory(prefix="netvsc-bpf-migration-") as folder:
                click.echo(f"migration: {kind}, {number + 1} of {times}")
                try:
                    found[kind].append(Trip(kind, guest, Path(folder), click.echo).run())
                except (TimeoutError, RuntimeError, qmp.QmpError) as error:
                    click.echo(f"migration: {kind}: not measured: {error}")
    return found


def reported(report: Report, found: dict[Kind, list[Found]], times: int) -> None:
    """Print the tables, and hold ours against its limits."""
    rows, also = [], []
    for kind, runs in found.items():
        for name in ("to_guest", "from_guest"):
            counts = [getattr(run, name) for run in runs]
            lost = [sum(one[phase] for one in counts) for phase in Phase]
            worst = max((one[Phase.UNPLUG] + one[Phase.OTHER] for one in counts), default=0)
            rows.append((f"{kind}, {name.replace('_', ' ')}", 2 * len(runs), *lost, worst))
        pauses = [one.pause_ms for run in runs for one in run.times]
        used = [one.used_after_ms for run in runs for one in run.times if one.used_after_ms is not None]
        settled = [wait for run in runs for wait in settled_ms(run)]
        broken = sum(run.tcp_intact is False for run in runs)
        also.append((kind, *map(_middle, (pauses, used, settled)), broken))
        frames = Counter(map(_learnt_from, runs)).most_common(1)
        report.say(f"{kind}: the bridge learnt from: {frames[0][0] if frames else 'not measured'}")
        report.raw(f"{kind}: lost outside the pause", [_outside(run) for run in runs])
        report.raw(f"{kind}: settled ms", settled)
    lost_to = [f"lost to the {phase}" if phase is not Phase.OTHER else "to other" for phase in Phase]
    report.table(
        f"Packets lost, {times} guests of each", ["contender", "migrations", *lost_to, "worst guest"], rows
    )
    report.table(
        "Times, medians", ["contender", "pause ms", "used ms", "settled ms", "TCP streams broken"], also
    )
    for kind in found.keys() & set(JUDGED):
        runs = found[kind]
        report.claim(f"{kind}: guests measured", len(runs), times, "", at_least=True)
        report.claim(f"{kind}: guests with a fault", sum(bool(judged(run)) for run in runs), 0, "")
        if kind is Kind.MANAGED:
            slowest = max((wait for run in runs for wait in settled_ms(run)), default=0.0)
            report.claim(f"{kind}: settled, slowest", slowest, _SETTLE_MS + _LATE_MS, "ms")
        for run in runs:
            for problem in judged(run):
                report.say(f"{kind}: {problem}")


def _outside(run: Found) -> int:
    return sum(counts[Phase.UNPLUG] + counts[Phase.OTHER] for counts in (run.to_guest, run.from_guest))


def _middle(values: Sequence[float]) -> float | str:
    return statistics.median(values) if values else "-"


@click.command()
@click.option("--times", default=10, show_default=True, help="Guests of each contender.")
@click.option("--only", "kinds", multiple=True, type=click.Choice([kind.name.lower() for kind in Kind]))
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(times: int, kinds: Sequence[str], json_path: Path | None) -> None:
    """Migrate guests of each contender, and count what is lost."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-migration: terminated"))
    report = Report("migration", json_path)
    reported(report, measured([Kind[name.upper()] for name in kinds] or list(Kind), times), times)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
