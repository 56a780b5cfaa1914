# SPDX-License-Identifier: GPL-2.0-only
"""One TCP stream while the VF goes down and up a hundred times: does it ever wait for a timer?"""

import time
from pathlib import Path
from typing import Any

from bench.guest.twin import Twin
from bench.waiting import wait
from netvsc_bpf.lab.tcp import TcpPlan, TcpStream
from tests.vm.sriov import GUEST, PEER, PEER_ADDRESS

_AWAY_S = 0.1
_RATE = 1_000_000


def tcp_cycles(pair: Twin, cycles: int) -> dict[str, Any]:
    """Return the sender's own account (TcpExt of /proc/net/netstat), before and after."""
    with TcpStream(TcpPlan(GUEST, PEER, PEER_ADDRESS, rate=_RATE)) as stream:
        used = pair.used()
        before = _counters()
        done = 0
        for _ in range(cycles):
            pair.up(False)
            wait("the VF is down", lambda: not pair.is_up())
            time.sleep(_AWAY_S)
            pair.up(True)
            used = used and pair.used()
            done += 1
        after = _counters()
        result = stream.stop()
    return {
        "cycles": done,
        "used_again_each_time": used,
        "bytes": result.received,
        "intact": result.intact,
        "longest_stall_s": result.longest_stall_s,
        **{name: after[name] - before[name] for name in _NAMES},
    }


_NAMES = ("TCPTimeouts", "TCPLostRetransmit", "TCPFastRetrans", "TCPSlowStartRetrans", "TCPLossProbes")


def _counters() -> dict[str, int]:
    """Return what `nstat` calls TcpExt..., of this network namespace, which the sender is in."""
    lines = Path("/proc/thread-self/net/netstat").read_text().splitlines()
    names, values = (line.split()[1:] for line in lines if line.startswith("TcpExt:"))
    return dict(zip(names, map(int, values), strict=True))
