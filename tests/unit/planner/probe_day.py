# SPDX-License-Identifier: GPL-2.0-only
"""A pair that is probed, in simulated time: the probe, holds and damping together, second by second."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner.damping import Damper, DampingPolicy
from netvsc_bpf.planner.probe import Look, PairProbe, Verdict, longest_check_s
from netvsc_bpf.planner.probe_policy import ProbePolicy, Target
from netvsc_bpf.planner.stall import Hold, Stall, StallPolicy

VF = 7
DAY_S = 86_400
GATEWAY = Target(2, IPv4Address("10.99.0.2"))
OTHER = Target(2, IPv4Address("10.99.0.3"))


def always(_: float) -> bool:
    return True


def never(_: float) -> bool:
    return False


def between(begin: float, end: float) -> Callable[[float], bool]:
    """Whether a time is within [begin, end)."""
    return lambda now: begin <= now < end


def outside(begin: float, end: float) -> Callable[[float], bool]:
    return lambda now: not begin <= now < end


@dataclass
class Neighbour:
    """A target and how it behaves."""

    target: Target = GATEWAY
    alive: Callable[[float], bool] = always
    answers_after_s: float = 0.001
    loss: float = 0.0
    """How many of its answers get lost, 0 to 1."""


@dataclass
class Day:
    """Looks as far apart as the probe wants, from 0.

    `dead` is when the VF is a black hole for what it sends and what comes by it.
    """

    neighbours: list[Neighbour]
    dead: Callable[[float], bool] = never
    policy: ProbePolicy = field(default_factory=lambda: ProbePolicy(enabled=True))
    known: bool = False
    """The kernel has heard of the neighbours before."""
    sends: Callable[[float], bool] = always
    receives: Callable[[float], bool] = never
    """By the VF, whether or not it is a black hole: of what others send unasked."""
    seed: int = 1

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        targets = [one.target for one in self.neighbours]
        self.probe = PairProbe().with_targets(targets, targets if self.known else [])
        self.hold, self.damper = Hold(), Damper(DampingPolicy())
        self.on_vf, self.changes, self.now = True, 1, 0.0
        self.sent = self.received = 0
        self.arriving: list[tuple[float, Target]] = []
        self.left: list[float] = []
        self.penalties: list[float] = []
        self.questions: list[float] = []

    def run(self, until: int = DAY_S) -> "Day":
        while self.now < until:
            self._look()
            self.now += self.probe.wait_s(self.policy)
        return self

    def _look(self) -> None:
        self._return()
        answered = frozenset(target for at, target in self.arriving if at <= self.now)
        self.arriving = [(at, target) for at, target in self.arriving if at > self.now]
        if self.on_vf:
            self.sent += 10 * self.sends(self.now)
            self.received += 10 * self.receives(self.now) + len(answered)
        look = Look(VF if self.on_vf else None, self.changes, self.sent, self.received, answered)
        self.probe, verdict = self.probe.looked(look, self.policy)
        self._follow(verdict)
        asked = self.probe.asked
        self.probe = self.probe.with_sent(len(asked))
        self.sent += len(asked) if self.on_vf else 0
        for neighbour in self.neighbours:
            if neighbour.target in asked:
                self._ask(neighbour)

    def _ask(self, neighbour: Neighbour) -> None:
        self.questions.append(self.now)
        at = self.now + neighbour.answers_after_s
        lost = self.random.random() < neighbour.loss
        black_hole = self.on_vf and self.dead(self.now)
        if neighbour.alive(self.now) and not lost and not black_hole:
            self.arriving.append((at, neighbour.target))

    def _follow(self, verdict: Verdict) -> None:
        match verdict:
            case Verdict.LEAVE:
                self.left.append(self.now)
                stall = Stall(2, VF, self.now, "", Reason.UNREACHABLE, longest_check_s(self.policy))
                self.hold = self.hold.began(stall, StallPolicy())
                self.on_vf, self.changes = False, self.changes + 1
            case Verdict.AT_FAULT:
                self.penalties.append(self.now)
                self.damper = self.damper.failed(self.now)
            case Verdict.PROVED_NOTHING:
                self.hold = self.hold.lifted(VF, self.now)

    def _return(self) -> None:
        self.damper = self.damper.decayed(self.now)
        if not (self.on_vf or self.hold.is_active(VF, self.now) or self.damper.suppressed):
            self.on_vf, self.changes = True, self.changes + 1
