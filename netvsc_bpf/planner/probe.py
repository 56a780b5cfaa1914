# SPDX-License-Identifier: GPL-2.0-only
"""Decides whether a VF that looks healthy still reaches anything, from the answers of neighbours.

A VF can be up, have carrier and transmit while its frames go nowhere, in one direction or both: a wrong VLAN
or MAC filter on the host, a switch port that blocks. No counter shows it. So neighbours (targets) are asked,
by ARP or neighbour solicitation, through the path in use. What is known proves this much:

=========  ========  ===================  ==============================  ===================
by the VF since the last look             proves                          next
sent       received  answer of a target
=========  ========  ===================  ==============================  ===================
any        any       yes                  both directions work            ask, count from 0
nothing    some      no, none was asked   what is in use, receiving       do not ask
some       some      no, none was asked   receiving only                  ask
any        nothing   no, none was asked   nothing                         ask
any        any       no, one was asked    nothing                         ask, count 1 more
=========  ========  ===================  ==============================  ===================

Frames that come in prove nothing about those that go out: broadcasts, and streams whose sender expects no
answer, keep coming to a VF that transmits into nothing. So they replace a question only while nothing is
sent. After `missed` questions in a row without an answer the VF is left. The last of them is given a
little less than an interval: the first one may have been sent a whole interval after the VF failed, and so it
is left within `missed` + 1 intervals, with delays of this process included.

A target that is dead proves nothing. So after leaving, the targets are asked by the synthetic path: if one
answers, the VF was at fault; if none does, the VF is used again without a penalty, and these targets count
only once they answer again. Questions that went by the VF have to be answered or lost before that, or a slow
answer would be taken for one by the synthetic path: so the targets are asked after `missed` intervals without
an answer. A target that takes longer than `missed` intervals to answer cannot be judged, and never counts.

After it was at fault, a VF has to prove itself: its first interval without an answer makes it left again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

from netvsc_bpf.model.probe import ProbeState
from netvsc_bpf.planner.probe_policy import ProbePolicy, Target

_PATIENCE = 10
"""A target that does not count is asked in one of this many intervals."""
_LATE_ANSWERS = 4
"""Late answers to questions that went by the VF are waited for at most this many times `missed` intervals."""
LEAST_WAIT = 0.85
"""How long a question waits for its answer at least, in intervals: the last one before the VF is left, and
each that was sent late."""


class Verdict(Enum):
    """What follows from a look."""

    NONE = "nothing"
    LEAVE = "leave the VF"
    AT_FAULT = "the VF was at fault"
    PROVED_NOTHING = "the targets are dead on both paths: the VF may be used again"


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of one pair at one moment."""

    vf: int | None
    """The ifindex of the VF if it is the path."""
    changed_at: int
    """CLOCK_BOOTTIME ns of the last change of path."""
    sent: int = 0
    """Packets that steer sent by the VF, questions included."""
    received: int = 0
    """Packets that came in by the VF."""
    answered: frozenset[Target] = frozenset()
    """The targets that answered since the last look."""


@dataclass(frozen=True, slots=True)
class Check:
    """The check by the synthetic path, after the VF was left."""

    looks: int = 0
    """Looks before the first question."""
    quiet: int = 0
    """Of these the last ones in a row without an answer."""
    asked: int = 0
    """Looks at which the targets were asked."""


@dataclass(frozen=True, slots=True)
class PairProbe:
    """State of one pair between looks, which are one interval apart, but for the last one (wait_s)."""

    targets: tuple[Target, ...] = ()
    proven: frozenset[Target] = frozenset()
    """Targets that answered in time, or are known to the kernel as neighbours: their silence counts."""
    refuted: frozenset[Target] = frozenset()
    """Targets that were silent on both paths: only an answer makes them proven again."""
    seen: Look = field(default_factory=lambda: Look(None, -1))
    asked: frozenset[Target] = frozenset()
    """The targets that were asked at the last look."""
    own: int = 0
    """The questions sent at the last look, which steer counts as sent by the VF."""
    unanswered: int = 0
    """Looks in a row at which questions to proven targets had no answer."""
    heard: bool = False
    """A target has answered since the VF became the path."""
    check: Check | None = None
    """While it is not known whether the VF that was left was at fault."""
    on_trial: bool = False
    """The VF was at fault and has not been answered since."""
    slow: int = 0
    """Intervals that the last answer by the synthetic path took: a VF on trial has as many more."""
    looks: int = 0
    others_asked_at: int = 0
    """The look at which targets that do not count were asked last."""

    def with_targets(self, targets: Iterable[Target], neighbours: Iterable[Target]) -> "PairProbe":
        """Return the state with the targets as they are now; `neighbours` are those the kernel has heard."""
        now = tuple(dict.fromkeys(targets))
        refuted = self.refuted & {*now}
        known = frozenset(neighbours) - refuted
        return replace(self, targets=now, refuted=refuted, proven=(self.proven | known) & {*now})

    def left_before(self) -> "PairProbe":
        """Return the state for a VF that an earlier manager left as unreachable: its targets had answered."""
        return replace(self, proven=frozenset(self.targets), check=Check(), on_trial=True)

    def looked(self, look: Look, policy: ProbePolicy) -> tuple["PairProbe", Verdict]:
        """Return the state after a look, and what follows. Whom to ask now is in `asked`."""
        looks = self.looks + 1
        in_time = looks - self.others_asked_at <= policy.missed
        answered = look.answered & ({*self.targets} if in_time else self.proven)
        proven, refuted = self.proven | answered, self.refuted - answered
        state = replace(self, looks=looks, proven=proven, refuted=refuted)
        if look.vf is not None:
            state, verdict = state._on_vf(look, answered, policy)
            others = bool(state.asked - state.proven)
            return (replace(state, others_asked_at=looks) if others else state), verdict
        if state.check is not None:
            return state._checked(state.check, look, answered, policy)
        return replace(state, seen=look, asked=frozenset(), unanswered=0), Verdict.NONE

    def with_sent(self, questions: int) -> "PairProbe":
        """Return the state after this many questions were sent."""
        return self if questions == self.own else replace(self, own=questions)

    def wait_s(self, policy: ProbePolicy) -> float:
        """Return in how many seconds to look again."""
        last = self.asked & self.proven and self.unanswered == policy.missed - 1 > 0
        # A VF on trial, and one whose targets were slow to answer by the synthetic path, gets all the time.
        hurries = last and not (self.on_trial or self.slow)
        return policy.interval_s * (LEAST_WAIT if hurries else 1.0)

    @property
    def state(self) -> ProbeState:
        """The state in one word."""
        if not self.targets:
            return ProbeState.NO_TARGETS
        if self.check is not None:
            return ProbeState.CHECKING
        if self.seen.vf is None:
            return ProbeState.IDLE
        if not self.proven:
            return ProbeState.UNPROVEN
        return ProbeState.REACHABLE if self.heard and not self.unanswered else ProbeState.SILENT

    def _on_vf(
        self, look: Look, answered: frozenset[Target], policy: ProbePolicy
    ) -> tuple["PairProbe", Verdict]:
        anew = (look.vf, look.changed_at) != (self.seen.vf, self.seen.changed_at)
        state = replace(self, seen=look, check=None, asked=frozenset())
        if anew:  # answers may be to questions that went by the other path
            state = replace(state, unanswered=0, heard=False)
            return replace(state, asked=state._questions(at_once=True)), Verdict.NONE
        idle = self._receives_only(look, len(answered))
        if answered:
            if self.unanswered or self.on_trial or not self.heard:
                state = replace(state, unanswered=0, heard=True, on_trial=False)
        elif self.asked & self.proven:
            state = replace(state, unanswered=self.unanswered + 1)
            if state.unanswered >= (min(policy.missed, 1 + self.slow) if self.on_trial else policy.missed):
                return replace(state, unanswered=0, check=Check()), Verdict.LEAVE
            idle = False
        return (state if idle else replace(state, asked=state._questions())), Verdict.NONE

    def _checked(
        self, check: Check, look: Look, answered: frozenset[Target], policy: ProbePolicy
    ) -> tuple["PairProbe", Verdict]:
        """Return the state after a look by the synthetic path."""
        state = replace(self, seen=look, asked=frozenset())
        if not check.asked:
            now = replace(check, looks=check.looks + 1, quiet=0 if answered else check.quiet + 1)
            if now.quiet < policy.missed and now.looks < _LATE_ANSWERS * policy.missed:
                return replace(state, check=now), Verdict.NONE
        elif answered:
            return replace(state, check=None, on_trial=True, slow=check.asked - 1), Verdict.AT_FAULT
        elif check.asked >= policy.missed:
            silent = replace(state, proven=frozenset(), refuted=state.refuted | state.proven)
            return replace(silent, check=None, on_trial=False), Verdict.PROVED_NOTHING
        return replace(state, check=Check(asked=check.asked + 1), asked=state.proven), Verdict.NONE

    def _receives_only(self, look: Look, answers: int) -> bool:
        sent, received = look.sent - self.seen.sent, look.received - self.seen.received
        return received > answers and sent <= self.own

    def _questions(self, *, at_once: bool = False) -> frozenset[Target]:
        others = at_once or self.looks % _PATIENCE == 0
        return frozenset(self.targets) if others else self.proven


def longest_check_s(policy: ProbePolicy) -> float:
    """Return how long it takes at most to find out whether a VF that was left was at fault, in seconds."""
    return ((_LATE_ANSWERS + 1) * policy.missed + 2) * policy.interval_s
