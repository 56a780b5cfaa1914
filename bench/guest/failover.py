# SPDX-License-Identifier: GPL-2.0-only
"""Lets the VF fail under numbered UDP streams both ways, for each contender, in a guest that is its own host.

The file that the command line names holds what was measured so far after each kind of failure: a guest that
does not get to its end has not measured in vain.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.device_drops import DeviceDrops
from bench.failover_figures import CARRIER, PLANNED
from bench.guest.contenders import CONTENDERS, Contender, InUse
from bench.guest.failures import FAILURES, Failure
from bench.guest.hyperv_twin import hyperv_twin
from bench.guest.link_stamps import LinkStamps, Moment
from bench.guest.names import OF_HYPERV, OURS
from bench.guest.row import Marks, Row
from bench.guest.tcp_cycles import tcp_cycles
from bench.guest.twin import SYNTHETIC_NAME, Twin, twin
from bench.waiting import wait
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from tests.vm.sriov import ADDRESS, GUEST, PEER, PEER_ADDRESS

_DWELL_S = 0.4
"""How long a failure is looked at once it has happened, but for a lost carrier: Twin.shown_s."""
_CALM_S = 0.2
_RETURN_S = 60.0
"""After that the VF counts as not used again. Most are used within 4.7 s; one that lost its link on
hv_netvsc is tried after 5, 18 and 44 s (planner/lost_link.py)."""
_TRICKLE = 50
"""Packets a second in the direction that is not loaded."""
_MOST_S = 30.0
"""What one failure and return may take before the stream's records are full."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to measure."""

    events: int
    """Failures of each kind, netvsc-bpf without a process."""
    others: int
    """And with everybody else."""
    rate: int
    """Packets a second in each direction at the same time; twice as many where only one is loaded."""
    cycles: int
    contenders: tuple[str, ...]
    kinds: tuple[str, ...]


class Arrangement:
    """A contender, set up when it is asked for, and anew after it was ended."""

    def __init__(self, pair: Twin, contender: Contender) -> None:
        self._pair, self._contender = pair, contender
        self._stack = ExitStack()
        self._in_use: InUse | None = None

    def get(self) -> InUse:
        """Return it, standing, the peer within reach."""
        if self._in_use is None:
            self._in_use = self._stack.enter_context(self._contender.stand(self._pair))
            self._pair.address(self._in_use.device)
            self._pair.answered()
        return self._in_use

    def end(self) -> None:
        """Take it down."""
        self._in_use = None
        self._stack.close()


class Bench:
    """The guest, its probes, and what was found."""

    def __init__(self, pair: Twin, stamps: LinkStamps, job: Job, out: Path) -> None:
        self._pair, self._stamps, self._job, self._out = pair, stamps, job, out
        self._rows: list[Row] = []
        self._tcp: dict[str, Any] = {}

    def run(self) -> None:
        """Measure everybody."""
        wanted = [failure for failure in FAILURES if failure.kind in self._job.kinds]
        for name in self._job.contenders:
            for hot in (False, True):
                if failures := [failure for failure in wanted if failure.hot is hot]:
                    self._with_vf(name, hot, failures)

    def _with_vf(self, name: str, hot: bool, failures: Sequence[Failure]) -> None:
        pair, contender, rate = self._pair, CONTENDERS[name], self._job.rate
        pair.hot, pair.renames, pair.sriov.mac = hot, contender.renames, contender.mac
        pair.plug()
        arrangement = Arrangement(pair, contender)
        try:
            for failure in failures:
                self._row(name, arrangement, failure, tx=rate, rx=rate)
                if name == OURS and failure.kind in PLANNED:
                    self._row(name, arrangement, failure, tx=2 * rate, rx=_TRICKLE)
            if name == OURS and not self._tcp:
                arrangement.get()
                self._tcp = tcp_cycles(pair, self._job.cycles)
            arrangement.end()
        except Exception as error:  # what one contender cannot must not cost the others' figures
            kind = "with the hot-plugged VF" if hot else "with igb's VF"
            self._rows.append(Row(name, kind, {}, problem=repr(error)))
            print(f"{name}: {error!r}", flush=True)
        finally:
            self._save()
            pair.address(SYNTHETIC_NAME)
            pair.unplug()
            wait("the VF is gone", pair.gone)

    def _row(self, name: str, arrangement: Arrangement, failure: Failure, *, tx: int, rx: int) -> None:
        row = Row(name, failure.kind, {"tx": tx, "rx": rx})
        self._rows.append(row)
        begin = time.monotonic()
        times = self._job.events if name == OURS else self._job.others
        while len(row.tx) < times and not row.problem:
            self._round(row, arrangement, failure, times - len(row.tx))
        row.seconds = time.monotonic() - begin
        row.complain()
        print(row.in_words(), flush=True)
        self._save()

    def _round(self, row: Row, arrangement: Arrangement, failure: Failure, times: int) -> None:
        """Let it fail until it does not return by itself; then it is set up again."""
        in_use = arrangement.get()
        limit_s = _MOST_S * (times + 1)
        marks: list[Marks] = []
        with (
            UdpStream(UdpPlan(GUEST, PEER, PEER_ADDRESS, rate=row.wanted["tx"], limit_s=limit_s)) as outwards,
            UdpStream(UdpPlan(PEER, GUEST, ADDRESS, rate=row.wanted["rx"], limit_s=limit_s)) as inwards,
        ):
            used = self._pair.used()
            while used and len(marks) < times:
                marks.append(self._once(in_use, failure))
                used = marks[-1].used_again
            row.add(marks, outwards.stop(), inwards.stop())
        if not marks:
            row.problem = "it does not use the VF"
        if not used:
            arrangement.end()

    def _once(self, in_use: InUse, failure: Failure) -> Marks:
        pair = self._pair
        time.sleep(_CALM_S)
        vf = pair.vf
        self._stamps.clear()
        changes = in_use.path_changes()
        border = Moment.CARRIER_OFF if failure.kind in CARRIER else Moment.STOPPED

        def border_at() -> int | None:
            return self._stamps.first(border, vf.ifindex, mark.begin_ns)

        with closing(DeviceDrops(pair.sriov, vf.name)) as drops:
            drops.begin()
            mark = Marks(time.monotonic_ns())
            failure.leave(pair)
            # Not by /sys/class/net/X/carrier: reading that makes the kernel send its netlink message early.
            if border is Moment.CARRIER_OFF:
                wait("the carrier is off", lambda: border_at() is not None)
            else:
                wait(f"{failure.kind} has happened", lambda: failure.over(pair))
            time.sleep(pair.shown_s if border is Moment.CARRIER_OFF else _DWELL_S)
            mark.border_ns = border_at()
            if border is Moment.CARRIER_OFF:
                mark.given_up_ns = self._stamps.first(Moment.GIVEN_UP, vf.ifindex, mark.begin_ns)
                if mark.border_ns is not None:  # linkwatch sees each change: the next one is its return
                    mark.link_again_ns = self._stamps.first(border, vf.ifindex, mark.border_ns + 1)
                    mark.closed_ns = self._stamps.first(Moment.CLOSING, vf.ifindex, mark.border_ns)
            if mark.border_ns is not None:  # before the counters are asked for, which has the same effect
                mark.notified_ns = self._stamps.first(Moment.NOTIFIED, vf.ifindex, mark.border_ns)
            mark.vf_dropped = drops.since()
        mark.back_ns = time.monotonic_ns()
        failure.back(pair)
        if failure.anew:
            in_use.take_in(pair)
        mark.used_again = pair.used(_RETURN_S)
        mark.linkless = not mark.used_again and not pair.carrier()
        mark.end_ns = time.monotonic_ns()
        in_use.watch(pair)
        mark.path_changes = in_use.path_changes() - changes
        return mark

    def _save(self) -> None:
        whole = {"rows": [asdict(row) for row in self._rows], "tcp": self._tcp, "kernel": os.uname().release}
        self._out.write_text(json.dumps(whole))


def main() -> None:
    """Measure as the environment's JOB says."""
    wanted = json.loads(os.environ["JOB"])
    wanted["contenders"], wanted["kinds"] = tuple(wanted["contenders"]), tuple(wanted["kinds"])
    job = Job(**wanted)
    with ExitStack() as undo:
        hyperv = set(job.contenders) <= set(OF_HYPERV)  # a guest has one contender, or several of one kind
        pair = undo.enter_context(hyperv_twin() if hyperv else twin())
        stamps = undo.enter_context(closing(LinkStamps()))
        Bench(pair, stamps, job, Path(sys.argv[1])).run()


if __name__ == "__main__":
    main()
