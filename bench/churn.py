# SPDX-License-Identifier: GPL-2.0-only
"""CPU time that unrelated interfaces cost a manager: 100 link events a second among 1,000 of them.

Interfaces of containers appear, disappear and lose their carrier. None of that concerns a pair, but a new
VF arrives as such an event too, so the manager must read them all. Two things are judged: the CPU time
while only unrelated interfaces change, and how long a VF takes that is plugged in among them.
"""

import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from bench.hotplug import HotPlugs
from bench.managed import UNDAMPED, Managed, PairStates, percentile, wait_until_used
from bench.report import Report
from bench.usage import used
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.kernel.net import link_settings
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab

_SETTLE_MS = 100
_PAIRS = 16
"""They take turns.

A pair that is changed at more than two steps a second for long is made to wait (manager/state/pair_state.py).
"""
_REST_S = 10.0
_CPU_PERCENT = 3.0
"""Of one CPU."""
_JOIN_MS = 50.0


@contextmanager
def churning(lab: Lab, a_second: float) -> Iterator[list[int]]:
    """Set foreign interfaces up and down in turn; yield a list of one number: how many times by now."""
    done, stop = [0], threading.Event()

    def churn() -> None:
        with Rtnetlink() as rtnl:
            foreign = [nic.ifindex for nic in list_nics(rtnl) if nic.name.startswith("other")]
            begin = time.monotonic()
            for number, ifindex in enumerate(itertools.cycle(foreign)):
                # Each one goes up, and in the next round down again.
                link_settings.set_up(rtnl, ifindex, number // len(foreign) % 2 == 0)
                done[0] += 1
                if stop.wait(max(0.0, begin + done[0] / a_second - time.monotonic())):
                    return

    thread = threading.Thread(target=lambda: lab.in_guest(churn))
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def crowd(lab: Lab, interfaces: int) -> None:
    """Add unrelated interfaces, in pairs of veth peers."""
    with tempfile.NamedTemporaryFile("w", suffix=".batch") as batch:
        for number in range(interfaces // 2):
            batch.write(f"link add other{number} type veth peer name rehto{number}\n")
        batch.flush()
        lab.run(lab.guest, ["ip", "-batch", batch.name])


@click.command()
@click.option("--interfaces", default=1000, show_default=True, help="Number of unrelated interfaces.")
@click.option("--rate", default=100.0, show_default=True, help="Changes of them a second.")
@click.option("--seconds", default=30.0, show_default=True, help="How long the CPU time is taken.")
@click.option("--plugs", default=100, show_default=True, help="How often a VF is plugged in meanwhile.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(interfaces: int, rate: float, seconds: float, plugs: int, json_path: Path | None) -> None:
    """Measure a manager among unrelated interfaces."""
    enter_sandbox()
    report = Report("churn", json_path)
    with ExitStack() as undo:
        lab = undo.enter_context(Lab(LabPlan(pairs=_PAIRS, fabric=Fabric.NONE)))
        crowd(lab, interfaces)
        manager = undo.enter_context(Managed(lab, _SETTLE_MS, UNDAMPED))
        wait_until_used(manager)
        time.sleep(_REST_S)
        pid = manager.process.pid
        rows = []
        for name, each_second in (("nothing changes", 0.0), ("foreign interfaces change", rate)):
            with churning(lab, each_second) if each_second else ExitStack() as done:
                before, begin = used(pid), time.monotonic()
                time.sleep(seconds)
                after, took = used(pid), time.monotonic() - begin
                changes = done[0] if each_second else 0
            percent = 100 * (after.cpu_s - before.cpu_s) / took
            each_ms = 1e3 * (after.cpu_s - before.cpu_s) / changes if changes else ""
            rows.append((name, changes / took, percent, each_ms, after.voluntary - before.voluntary))
            report.raw(
                name, {"before": asdict(before), "after": asdict(after), "changes": changes, "s": took}
            )
        report.table(
            f"{seconds:.0f} s, {interfaces:,} interfaces beside {_PAIRS} pairs",
            ("", "changes a second", "% of a CPU", "CPU ms for each", "switches"),
            rows,
        )
        states = undo.enter_context(closing(PairStates(lab)))
        joins = HotPlugs(lab, manager, states)
        with churning(lab, rate) as done:
            for number in range(plugs):
                joins.unplug(number % _PAIRS)
                joins.plug(number % _PAIRS)
    times = joins.from_registration
    report.table(
        f"{plugs} hot-plugs meanwhile, settle time {_SETTLE_MS} ms",
        ("ms", "least", "median", "90th", "99th", "worst"),
        [
            (what, *(percentile(values, share) for share in (0, 0.5, 0.9, 0.99)), max(values))
            for what, values in (
                ("VF registered, kernel uses it", times),
                ("host plugs it in, kernel uses it", joins.from_call),
            )
        ],
    )
    report.raw("registered_ms", times)
    report.raw("called_ms", joins.from_call)
    report.claim("CPU time while foreign interfaces change", rows[1][2], _CPU_PERCENT, "%")
    report.claim("changes a second (a check of the check)", rows[1][1], 0.95 * rate, "", at_least=True)
    report.claim(
        "99th percentile beyond the settle time", percentile(times, 0.99) - _SETTLE_MS, _JOIN_MS, "ms"
    )
    report.claim("least beyond the settle time", min(times) - _SETTLE_MS, 0, "ms", at_least=True)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
