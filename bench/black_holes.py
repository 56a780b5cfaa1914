# SPDX-License-Identifier: GPL-2.0-only
"""A lab whose VF has carrier and reaches nothing, in one direction, under a stream.

For netvsc-bpf with its probe, and for bonding with its ARP monitor, each in a lab of its own.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bench.managed import Managed, PairStates
from bench.waiting import wait
from netvsc_bpf import api
from netvsc_bpf.lab.black_hole import BlackHole, Way
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.probe import ProbeState

INTERVAL_MS = 200
OURS, BONDING = "netvsc-bpf", "bonding"
DIRECTIONS = {Direction.TX: Way.FROM_GUEST, Direction.RX: Way.TO_GUEST}
"""What is sent, and what is swallowed of it."""
_TRICKLE = 50
"""Packets a second in the direction that works: hardly any host only sends, or only receives."""
_BATCH = 5
"""Holes under one stream."""
_MOST_S = 40.0
"""What one hole and the return may take before the stream's records are full; a guest computes slowly."""
_LEFT_S = 20.0
_HOLD_S = 0.3
_SETTLE_MS = 100
_VF, _BOND = "vf0", "bond0"


@dataclass(slots=True)
class Outcome:
    """The holes of one contender in one direction."""

    contender: str
    direction: str
    missed: int
    """Questions without an answer after which the VF is left."""
    rate: float = 0.0
    """Packets a second that were sent."""
    left_ms: list[float] = field(default_factory=list)
    """From the first packet that was swallowed until the VF was left, where that has a time of its own."""
    silent_ms: list[float] = field(default_factory=list)
    """From the first packet that was lost to the last one."""
    lost: list[int] = field(default_factory=list)
    receiver_drops: int = 0


@dataclass(frozen=True, slots=True)
class Contender:
    """What uses the VF, and says when it does."""

    name: str
    device: str
    """Where packets are handed in."""
    on_vf: Callable[[], bool]
    """It uses the VF, and the next hole is as the first one."""
    left_at: Callable[[], int | None]
    """When it left the VF last: CLOCK_MONOTONIC, in ns."""


@contextmanager
def ours(lab: Lab, missed: int) -> Iterator[Contender]:
    """netvsc-bpf, with a manager that probes. Damping and holds are as short as they can be."""
    config = (
        "[damping]\npenalty = 1e-6\n"
        f"[stall]\nhold_s = {_HOLD_S}\nhold_most_s = {_HOLD_S}\n"
        f"[probe]\nenabled = true\ninterval_s = {INTERVAL_MS / 1000}\nmissed = {missed}\n"
        f'targets = ["{lab.plan.pair(0).peer_address}"]\n[metrics]\nlisten = "none"\n'
    )
    with Managed(lab, _SETTLE_MS, config) as manager:
        manager.wait("the pair on its VF", lambda: _probe(lab) is ProbeState.REACHABLE, 0.1)
        with closing(PairStates(lab)) as states:
            yield Contender(
                OURS,
                "eth0",
                lambda: states.is_armed(0) and _probe(lab) is ProbeState.REACHABLE,
                lambda: None if states.is_armed(0) else states.changed_at(),
            )


def _probe(lab: Lab) -> ProbeState | None:
    pairs = lab.in_guest(api.status)
    probe = pairs[0].probe if pairs else None
    return None if probe is None else probe.state


@contextmanager
def bonding(lab: Lab, missed: int) -> Iterator[Contender]:
    """Documentation/networking/bonding.rst: active-backup with the ARP monitor, the VF as primary.

    Without arp_validate any frame that comes in counts as an answer: a hole in what is sent is not noticed.
    """
    pair = lab.plan.pair(0)

    def ip(*words: str) -> str:
        return lab.run(lab.guest, ["ip", *words]).stdout

    monitor = ("arp_interval", str(INTERVAL_MS), "arp_ip_target", pair.peer_address, "arp_validate", "all")
    ip("address", "flush", "dev", "eth0")
    options = ("mode", "active-backup", *monitor, "arp_missed_max", str(missed), "primary", _VF)
    ip("link", "add", _BOND, "address", pair.mac, "type", "bond", *options)
    for slave in (_VF, "eth0"):
        ip("link", "set", slave, "down")
        ip("link", "set", slave, "master", _BOND)
    ip("link", "set", _BOND, "up")
    ip("address", "add", f"{pair.address}/24", "dev", _BOND)

    def active() -> str | None:
        (bond,) = json.loads(ip("-d", "-j", "link", "show", _BOND))
        found: str | None = bond["linkinfo"]["info_data"].get("active_slave")
        return found

    yield Contender(BONDING, _BOND, lambda: active() == _VF, lambda: None)


CONTENDERS: dict[str, Callable[[Lab, int], AbstractContextManager[Contender]]] = {
    OURS: ours,
    BONDING: bonding,
}


def measure(contender: str, direction: Direction, times: int, rate: int, missed: int) -> Outcome:
    """Let the VF reach nothing so many times. Raises NetvscBpfError, TimeoutError if it is not left."""
    outcome = Outcome(contender, direction.value, missed)
    with Lab() as lab, CONTENDERS[contender](lab, missed) as one:
        wait("the peer answers", lambda: _answers(lab))
        wait("the VF is used", one.on_vf, pause_s=0.1)
        rates = []
        for begin in range(0, times, _BATCH):
            rates.append(_batch(lab, one, outcome, direction, min(_BATCH, times - begin), rate))
        outcome.rate = sum(rates) / len(rates)
    return outcome


def _answers(lab: Lab) -> bool:
    command = ["ping", "-c", "1", "-W", "2", lab.plan.pair(0).peer_address]
    return lab.run(lab.guest, command, check=False).returncode == 0


def _batch(lab: Lab, one: Contender, outcome: Outcome, direction: Direction, times: int, rate: int) -> float:
    plan = replace(udp_plan(lab, direction, rate=rate), limit_s=_MOST_S * times)
    hole, marks = BlackHole(lab), list[tuple[int, int | None, int]]()
    back = Direction.RX if direction is Direction.TX else Direction.TX
    other = replace(udp_plan(lab, back, rate=_TRICKLE), limit_s=plan.limit_s)
    with UdpStream(other), UdpStream(plan) as stream:
        for _ in range(times):
            wait("the VF is used", one.on_vf, pause_s=0.05)
            # A hole at any phase of the interval.
            time.sleep(0.5 + time.monotonic_ns() % INTERVAL_MS / 1000)
            begin, arrived = time.monotonic_ns(), stream.received
            hole.swallow(DIRECTIONS[direction])
            wait("packets are swallowed", lambda: _stands_still(stream), pause_s=0, patience_s=_LEFT_S)
            arrived = stream.received
            goal = arrived + max(1, rate // 20)
            wait("the VF is left", lambda goal=goal: stream.received > goal, patience_s=_LEFT_S)  # type: ignore[misc]
            left_at = one.left_at()
            hole.work()
            marks.append((begin, left_at, time.monotonic_ns()))
        wait("the VF is used", one.on_vf, pause_s=0.05)
        result = stream.stop()
    outcome.receiver_drops += result.receiver_drops
    for begin, left_at, end in marks:
        missing = result.window(begin, end).missing
        if not missing:
            raise NetvscBpfError("measure a black hole", "nothing was lost: it swallowed nothing")
        longest = max(missing, key=lambda run: run.count)
        outcome.lost.append(sum(run.count for run in missing))
        outcome.silent_ms.append((longest.last_sent_ns - longest.first_sent_ns) / 1e6)
        if left_at is not None:
            outcome.left_ms.append((left_at - longest.first_sent_ns) / 1e6)
    sent = result.recording.sent_ns
    return (len(sent) - 1) / ((sent[-1] - sent[0]) / 1e9)


def _stands_still(stream: UdpStream) -> bool:
    before = stream.received
    time.sleep(0.05)
    return stream.received == before


def read(found: dict[str, Any]) -> Outcome:
    """Return what asdict() has written."""
    return Outcome(**found)
