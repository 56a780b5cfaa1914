# SPDX-License-Identifier: GPL-2.0-only
"""256 pairs whose VFs all disappear and return at once: how soon is everything right again?

Measured from the return of the last call that gives a VF back until the kernel has armed every pair. No
packet is sent: the manager makes the kernel check. New VFs are joined first, with `home` as a filter; the
tcx links that replace it are attached afterwards, over some seconds, and are not included.
"""

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bench.managed import UNDAMPED, Managed, PairStates, attached
from bench.report import Report, quartiles
from bench.usage import used
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.wiring import with_rtnl

SETTLE_MS = 10
_LIMIT_S = 2.0


class Flaps:
    """Every way in which all VFs of a lab can go and come back."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._pairs = [lab.plan.pair(number) for number in range(lab.plan.pairs)]

    def down(self) -> None:
        """Set them down in the guest."""
        self._set(self._lab.guest, (pair.vf for pair in self._pairs), False)

    def up(self) -> None:
        """Set them up again."""
        self._set(self._lab.guest, (pair.vf for pair in self._pairs), True)

    def carrier_off(self) -> None:
        """Take their carrier away."""
        self._set(self._lab.fabric, (pair.vf_port for pair in self._pairs), False)

    def carrier_on(self) -> None:
        """Give it back."""
        self._set(self._lab.fabric, (pair.vf_port for pair in self._pairs), True)

    def unplug(self) -> None:
        """Remove them."""

        def remove(rtnl: Any) -> None:
            for index in _indexes(rtnl, (pair.vf for pair in self._pairs)):
                rtnl.link("del", index=index)

        with_rtnl(self._lab.guest, remove)

    def plug(self) -> None:
        """Plug new ones in, down as hosts give them."""
        self._lab._builder.plug([(pair, pair.vf) for pair in self._pairs], up=False, link_local=False)

    def _set(self, namespace: str, names: Iterable[str], up: bool) -> None:
        def change(rtnl: Any) -> None:
            for index in _indexes(rtnl, names):
                wiring.set_up(rtnl, index, up)

        with_rtnl(namespace, change)


def _indexes(rtnl: Any, names: Iterable[str]) -> list[int]:
    by_name = {link.get_attr("IFLA_IFNAME"): int(link["index"]) for link in rtnl.get_links()}
    return [by_name[name] for name in names]


@click.command()
@click.option("--pairs", default=256, show_default=True, help="How many.")
@click.option("--rounds", default=3, show_default=True, help="How often each kind of flap happens.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(pairs: int, rounds: int, json_path: Path | None) -> None:
    """Flap all pairs at once."""
    enter_sandbox()
    report = Report("pairs", json_path)
    with ExitStack() as undo:
        lab = undo.enter_context(Lab(LabPlan(pairs=pairs, fabric=Fabric.NONE)))
        begin = time.monotonic()
        manager = undo.enter_context(Managed(lab, SETTLE_MS, UNDAMPED))
        manager.wait("all pairs", lambda: attached(lab) == pairs, 0.1)
        states = PairStates(lab)
        undo.callback(states.close)
        manager.wait("all VFs in use", lambda: states.armed() == pairs)
        report.say(f"{pairs} pairs attached and in use {time.monotonic() - begin:.1f} s after the start")
        flaps = Flaps(lab)
        cpu: dict[str, list[float]] = {}

        def timed(name: str, leave: Callable[[], None], come_back: Callable[[], None]) -> float:
            leave()
            manager.wait("no VF in use", lambda: states.armed() == 0)
            time.sleep(0.3)
            come_back()
            back, before = time.monotonic(), used(manager.process.pid).cpu_s
            manager.wait("all VFs in use again", lambda: states.armed() == pairs, 0.005)
            took = time.monotonic() - back
            cpu.setdefault(name, []).append(used(manager.process.pid).cpu_s - before)
            time.sleep(0.5)
            return took

        ways = {
            "VF down, up": (flaps.down, flaps.up),
            "carrier off, on": (flaps.carrier_off, flaps.carrier_on),
            "VF removed, plugged in": (flaps.unplug, flaps.plug),
        }
        kinds = {name: [timed(name, *way) for _ in range(rounds)] for name, way in ways.items()}
    rows: list[tuple[object, ...]] = [
        (kind, rounds, min(took), quartiles(took)[1], max(took), quartiles(cpu[kind])[1])
        for kind, took in kinds.items()
    ]
    columns = ("s until all are in use", "times", "least", "median", "worst", "its CPU time, median")
    report.table(f"{pairs} pairs at once, settle time {SETTLE_MS} ms", columns, rows)
    report.raw("seconds", kinds)
    report.raw("cpu_seconds", cpu)
    for kind, took in kinds.items():
        report.claim(f"{pairs} pairs, {kind}", quartiles(took)[1], _LIMIT_S, "s")
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
