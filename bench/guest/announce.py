# SPDX-License-Identifier: GPL-2.0-only
"""Unplugs the VF of a guest that only receives, again and again, and notes when what was announced.

The file that the command line names holds what was measured so far after each time.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from bench.announcing import Job, Unplugged, python_s
from bench.managed import UNDAMPED
from bench.waiting import wait
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.model.path import Path as DataPath
from netvsc_bpf.model.path import Reason
from tests.kernel.support.announced import Announced
from tests.kernel.support.manager import Manager, managers
from tests.vm.hotplug import HotPluggedPair
from tests.vm.rtnl.holder import Holder, holding_rtnl
from tests.vm.sriov import ADDRESS, GUEST, PEER, SYNTHETIC, silent, sriov_pair
from vm.qmp import Qmp

_CONFIG = f'{UNDAMPED}\n[metrics]\nlisten = "none"\n[attach]\nguard = "evidence"\n'
_CALM_S = AnnouncePolicy().after_s[-1] + 2 * AnnouncePolicy().gap_s
"""All rounds are over then, and the next announcement may come at once."""
_AFTER_S = 1.0
_MOST_S = 60.0
"""What one unplug and return may take before the stream's records are full."""


class Measurement:
    """A pair whose VF comes and goes under a manager and a stream from its peer."""

    def __init__(self, pair: HotPluggedPair, manager: Manager, holder: Holder, announced: Announced) -> None:
        self._pair, self._manager, self._holder, self._announced = pair, manager, holder, announced

    def once(self, rate: int) -> Unplugged:
        """Plug the VF in, unplug it once it is used and announced, and say what became of the stream."""
        began = time.monotonic_ns()
        self._pair.plug()
        self._manager.wait_path(DataPath.VF, Reason.ARMED)
        wait("its use was announced", lambda: bool(self._announced.since(began)))
        time.sleep(_CALM_S)
        with UdpStream(UdpPlan(PEER, GUEST, ADDRESS, rate=rate, limit_s=_MOST_S)) as stream:
            time.sleep(_AFTER_S)
            unplugged = time.monotonic_ns()
            self._pair.unplug()
            wait("RTNL was held", lambda: self._held_since(unplugged))
            time.sleep(_AFTER_S)
            result = stream.stop()
        left, held = self._pair.left_at(), self._holder.last()
        if held is None:
            raise RuntimeError("RTNL is still held")
        end = time.monotonic_ns()
        before, after = result.window(unplugged, held.from_ns), result.window(held.from_ns, end)
        return Unplugged(
            sent=before.sent + after.sent,
            lost_before_stop=before.lost,
            lost_after_stop=after.lost,
            duplicates=before.duplicates + after.duplicates,
            receiver_drops=result.receiver_drops,
            stopped_ms=(held.from_ns - left) / 1e6,
            held_ms=(held.until_ns - held.from_ns) / 1e6,
            announced_ms=[(at - left) / 1e6 for at in self._announced.since(left)],
        )

    def _held_since(self, moment_ns: int) -> bool:
        held = self._holder.last()
        return held is not None and held.from_ns > moment_ns


@contextmanager
def measurement(held_ms: int) -> Iterator[Measurement]:
    """Set it up: the guest says nothing but what the manager announces."""
    with ExitStack() as undo:
        sriov = undo.enter_context(sriov_pair())
        pair = HotPluggedPair(sriov.pf, sriov.pf_name, monitor=undo.enter_context(Qmp()))
        undo.enter_context(silent(pair))
        holder = undo.enter_context(holding_rtnl("e1000e", held_ms))
        announced = undo.enter_context(Announced(PEER, pair.peer_name(), pair.mac))
        file = undo.enter_context(tempfile.NamedTemporaryFile("w", suffix=".toml"))
        file.write(_CONFIG)
        file.flush()
        start = undo.enter_context(managers(pair))
        manager: Manager = start(SYNTHETIC, "--config", file.name)
        manager.wait_path(DataPath.SYNTHETIC)
        yield Measurement(pair, manager, holder, announced)


def main() -> None:
    """Measure as the environment's JOB says."""
    job, out = Job(**json.loads(os.environ["JOB"])), Path(sys.argv[1])
    found: list[Unplugged] = []
    seconds = python_s()
    with measurement(job.held_ms) as one:
        while len(found) < job.times:
            found.append(one.once(job.rate))
            print(found[-1], flush=True)
            whole = {
                "kernel": os.uname().release,
                "python_s": seconds,
                "times": [asdict(one) for one in found],
            }
            out.write_text(json.dumps(whole))


if __name__ == "__main__":
    main()
