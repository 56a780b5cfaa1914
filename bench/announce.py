# SPDX-License-Identifier: GPL-2.0-only
"""How soon is a change of path announced while RTNL is held: `make bench-announce`.

Pairs in network namespaces, with one manager, leave their VFs one after the other: the control program
withdraws the permission, which needs no lock. Meanwhile the kernel deletes 60 bridges at once, for which it
holds RTNL, so that netlink does not answer. Noted are the moment at which the kernel leaves the VF, when the
first announcement arrives at the peer (by the kernel's timestamp of the frame), and when netlink has answered
the request that had waited longest. On a busy machine a process may have to wait for a processor for some ms,
hence the median. `make bench-announce-guest` has a driver that is removed.
"""

import statistics
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from bench.managed import UNDAMPED, Managed, PairStates, percentile, wait_until_used
from bench.report import Report
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Reason
from tests.kernel.announcing.rtnl_held import rtnl_held
from tests.kernel.support.announced import Announced

_SETTLE_MS = 100
_CALM_S = 3.0
"""The use of the VFs is announced for a second, and after 0.2 s more the next announcement may come."""
_FIRST_MS = 5.0
_HELD_MS = 500.0
"""If RTNL is released sooner after the VF was left, because this process was too late, it does not count."""
_SPARE = 15


@dataclass(frozen=True, slots=True)
class Left:
    """One VF that was left. Times are ms since then."""

    announced_ms: float
    """The first announcement has arrived."""
    answered_ms: float
    """Netlink has answered."""


def leave(lab: Lab, states: PairStates, number: int) -> Left:
    """Have the kernel leave the VF of a pair while RTNL is held."""
    plan = lab.plan.pair(number)
    ifindex = lab.ifindex(lab.guest, plan.synthetic)

    def withdraw() -> None:
        with LoadedObject(NetnsPins(namespaces.current_inode())) as loaded:
            slot = find_pair_slot(loaded, ifindex)
            if slot is None:
                raise LookupError(f"{plan.synthetic} is not attached")
            loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(Reason.STALLED))

    with Announced(lab.peer, "eth0", plan.mac) as announced:
        with rtnl_held(lab) as request:
            answered = request.answered
            lab.in_guest(withdraw)
            while request.answered == answered:
                time.sleep(0.0005)
            now = time.monotonic_ns()
        left = states.changed_at(number) - _asleep_ns()
        while not (arrived := announced.since(left)):
            time.sleep(0.001)
    return Left((arrived[0] - left) / 1e6, (now - left) / 1e6)


def _asleep_ns() -> int:
    """Return by how much CLOCK_BOOTTIME, of what the kernel notes, is ahead of CLOCK_MONOTONIC."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()


def measure(times: int) -> list[Left]:
    """Let pairs leave their VFs, one after the other, until RTNL was held long enough for so many of them."""
    with ExitStack() as undo:
        lab = undo.enter_context(Lab(LabPlan(pairs=times + _SPARE)))
        manager = undo.enter_context(Managed(lab, _SETTLE_MS, f'{UNDAMPED}[metrics]\nlisten = "none"\n'))
        wait_until_used(manager)
        time.sleep(_CALM_S)
        states = undo.enter_context(closing(PairStates(lab)))
        all_left = (leave(lab, states, number) for number in range(times + _SPARE))
        return list(islice((left for left in all_left if left.answered_ms >= _HELD_MS), times))


@click.command()
@click.option("--times", default=30, show_default=True, help="How many pairs leave their VFs.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(times: int, json_path: Path | None) -> None:
    """Time the first announcement while RTNL is held."""
    report = Report("announce", json_path)
    enter_sandbox()
    judge(report, measure(times), times)
    sys.exit(report.finish())


def judge(report: Report, found: list[Left], times: int) -> None:
    """Print what was found, and hold it against its limits."""
    rows = []
    for what, values in (
        ("the first announcement has arrived", [one.announced_ms for one in found]),
        ("netlink has answered", [one.answered_ms for one in found]),
    ):
        report.raw(what, values)
        rows.append((what, statistics.median(values), percentile(values, 0.9), min(values), max(values)))
    columns = ("ms since the kernel left the VF", "median", "90%", "least", "most")
    report.table(f"A VF is left {len(found)} times while RTNL is held", columns, rows)
    in_time = sum(one.announced_ms < one.answered_ms for one in found)
    report.claim("announced while RTNL is held", in_time, times, "", at_least=True)
    first = statistics.median(one.announced_ms for one in found)
    report.claim("the first announcement, median", first, _FIRST_MS, "ms")


if __name__ == "__main__":
    main()
