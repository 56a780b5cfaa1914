# SPDX-License-Identifier: GPL-2.0-only
"""Drains and undrains a VF that hv_netvsc has enslaved, as JOB says, into the file that is named.

The manager is killed while the pair is drained, and another one started for the next batch, which adopts it;
in between the pair is drained and undrained without one.
"""

import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from netvsc_bpf import datapath
from netvsc_bpf.lab.udp import UdpResult
from netvsc_bpf.manager.events.running_manager import RunningManager
from netvsc_bpf.model.path import GuardMode, Reason
from netvsc_bpf.model.path import Path as WayOut
from tests.kernel.support.manager import Manager, managers
from tests.kernel.support.waiting import eventually
from tests.vm.hyperv.host import hyperv_host
from tests.vm.hyperv.pair import HypervPair, Shape, hyperv_pair
from tests.vm.sriov import SYNTHETIC
from tests.vm.streams import go_on, lost_by_driver, udp, udp_back

_BATCH = 20
"""Rounds under one pair of streams, and one manager."""
_PACKETS = 25
"""Packets each way that a path has to carry before it is changed again."""


class Rounds:
    """The rounds, and what they lost."""

    def __init__(self, pair: HypervPair, out: Path) -> None:
        self._pair, self._out = pair, out
        self.found: dict[str, Any] = {
            **{"kernel": os.uname().release, "rounds": 0, "kills": 0, "wrong": [], "by_vf": 0},
            **{"sent": {"tx": 0, "rx": 0}, "lost": {"tx": 0, "rx": 0}, "by_driver": 0},
            **{"drain_s": [], "undrain_s": []},
        }

    def batch(self, manager: Manager, times: int) -> None:
        """Drain and undrain so many times."""
        pair, found = self._pair, self.found
        with ExitStack() as undo:
            manager.wait_path(WayOut.VF)
            out, back = undo.enter_context(udp()), undo.enter_context(udp_back())
            go_on(out, back)
            before, away = pair.lost_by_driver(), list[tuple[int, int]]()
            for number in range(times):
                self._drain()
                if not number:
                    manager.kill()
                    found["kills"] += 1
                left_at = pair.left_at()
                carried = self._carried()
                self._carry(out, back)
                found["by_vf"] += self._carried() - carried
                self._undrain()
                away.append((left_at, pair.taken_at()))
                self._carry(out, back)
            results = {"tx": out.stop(), "rx": back.stop()}
            found["by_driver"] += lost_by_driver(pair, results["tx"], before, *away)
        self._add(results, times)

    def _add(self, results: dict[str, UdpResult], times: int) -> None:
        found = self.found
        for way, result in results.items():
            found["sent"][way] += result.sent
            found["lost"][way] += result.lost - result.receiver_drops
        found["rounds"] += times
        self._out.write_text(json.dumps(found))
        print(f"{found['rounds']} rounds: lost {found['lost']} of {found['sent']}", flush=True)

    def _drain(self) -> None:
        begin = time.monotonic()
        datapath.drain(SYNTHETIC, None, "bench", RunningManager())
        self.found["drain_s"].append(time.monotonic() - begin)
        eventually("the host has left the VF", lambda: self._pair.nic.datapath == "synthetic")
        self._expect(WayOut.SYNTHETIC, Reason.DRAINED)

    def _undrain(self) -> None:
        begin = time.monotonic()
        datapath.undrain(SYNTHETIC, RunningManager())
        eventually("the VF is used again", lambda: self._pair.status().path is WayOut.VF)
        self.found["undrain_s"].append(time.monotonic() - begin)
        eventually("the host delivers by the VF", lambda: self._pair.nic.datapath == "vf")
        self._expect(WayOut.VF, Reason.ARMED)

    def _expect(self, path: WayOut, reason: Reason) -> None:
        status = self._pair.status()
        if (status.path, status.reason) != (path, reason):
            self.found["wrong"].append(f"{status.path} ({status.reason})")

    def _carried(self) -> int:
        """What the VF has sent and received, as the host has counted it."""
        return self._pair.nic.count("tx_vf") + self._pair.nic.count("rx_vf")

    def _carry(self, *streams: Any) -> None:
        goals = [stream.received + _PACKETS for stream in streams]
        eventually(
            "traffic goes on",
            lambda: all(stream.received >= goal for stream, goal in zip(streams, goals, strict=True)),
        )


def main() -> None:
    """Measure."""
    rounds = json.loads(os.environ["JOB"])["rounds"]
    with hyperv_host() as host, hyperv_pair(host, Shape.ENSLAVED) as pair:
        pair.plug()
        pair.attach(guard=GuardMode.OFF)
        pair.wait_for(WayOut.VF)
        measured = Rounds(pair, Path(sys.argv[1]))
        with managers(pair) as start:
            for begin in range(0, rounds, _BATCH):
                measured.batch(start(SYNTHETIC), min(_BATCH, rounds - begin))


if __name__ == "__main__":
    main()
