# SPDX-License-Identifier: GPL-2.0-only
"""One pair that is probed: what is read of it, its targets, and the state of planner/probe.py."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.net import upper_devices
from netvsc_bpf.kernel.net.device_counters import received
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.source_watch import SourceChanges
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.state.probe_states import Probed
from netvsc_bpf.manager.watch import probe_targets
from netvsc_bpf.manager.watch.probe_targets import Targets
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.planner.probe import LEAST_WAIT, Look, PairProbe, Verdict
from netvsc_bpf.planner.probe_policy import ProbePolicy, Target

_TARGETS_S, _NO_TARGETS_S = 30.0, 5.0
"""How often the targets are read if nothing seems to change: new VLAN devices, nexthop objects."""


@dataclass(frozen=True, slots=True)
class SeenPair:
    """One pair as in the maps."""

    slot: int
    vf: int | None
    """The ifindex of the VF if it is the path."""
    changed_at: int
    reason: Reason | None
    sent: int
    received: int


def read_pair(loaded: LoadedObject, ifindex: int) -> SeenPair | None:
    """Read a pair from the maps; None if it has no slot. Raises OSError."""
    slot = find_pair_slot(loaded, ifindex)
    if slot is None:
        return None
    state, vf, counters = loaded.pair(slot), loaded.vf_ifindex(slot), loaded.counters(slot)
    path, by_vf = (vf if state.armed else None), abi.PATHS.index(Path.VF)
    came = counters.rx[by_vf].packets
    if path is not None and not state.redirect_to:  # the driver delivers what the VF receives
        came = received({path}).get(path, 0)
    return SeenPair(slot, path, state.changed_at, abi.REASONS[state.reason], counters.tx[by_vf].packets, came)


@dataclass(slots=True)
class ProbedPair:
    """Times are CLOCK_MONOTONIC seconds."""

    ifindex: int
    due_at: float
    """When it is looked at next, or for the first time at once."""
    vf: int = 0
    """The VF (ifindex) that was the path last."""
    targets: Targets = field(default_factory=Targets)
    names: tuple[str, ...] = ()
    """The targets for people."""
    _probe: PairProbe = field(default_factory=PairProbe)
    _policy: ProbePolicy | None = None
    """That of the last reading of targets; None: they have to be read."""
    _read_at: float = 0.0
    _macs: dict[Target, bytes] = field(default_factory=dict)
    _frames: dict[tuple[Target, bytes | None], bytes | None] = field(default_factory=dict)
    """Questions as they were built since the last reading of targets, by target and MAC."""
    _heard: set[Target] = field(default_factory=set)
    _answers: int = 0
    """Answers that were not counted yet."""
    _last: dict[Target, int] = field(default_factory=dict)
    """CLOCK_BOOTTIME ns of the last answer of each target."""
    _fresh: bool = True

    def targets_outdated(self, policy: ProbePolicy, now: float) -> bool:
        """Return whether the targets have to be read again."""
        age = now - self._read_at
        return policy != self._policy or age >= (_TARGETS_S if self.targets.targets else _NO_TARGETS_S)

    def note_changes(self, changes: SourceChanges | None) -> None:
        """Have the targets read anew if these changes, or unknown ones, concern an interface that asks."""
        if changes is None or changes.concern(self.targets.devices):
            self._policy = None

    def read_targets(
        self, rtnl: Rtnetlink, links: dict[int, upper_devices.Link], policy: ProbePolicy, now: float
    ) -> None:
        """Read the targets. Raises OSError."""
        self._policy, self._read_at, self._frames = policy, now, {}
        self.targets = probe_targets.choose(policy, probe_targets.read(rtnl, self.ifindex, links))
        heard = self.targets.heard
        self._macs = {**self._macs, **heard}
        self._macs = {one: self._macs[one] for one in self.targets.targets if one in self._macs}
        self._last = {one: self._last[one] for one in self.targets.targets if one in self._last}
        self.names = self.targets.names
        self._probe = self._probe.with_targets(self.targets.targets, heard)

    def heard(self, target: Target, mac: bytes | None) -> None:
        """Note the answer of a target."""
        self._heard.add(target)
        self._answers += 1
        self._last[target] = CLOCKS.boottime()
        if mac is not None:
            self._macs[target] = mac

    @property
    def unanswered(self) -> int:
        """How many questions in a row had no answer."""
        return self._probe.unanswered

    def is_due(self, policy: ProbePolicy, now: float) -> bool:
        """Return whether it has to be looked at: after a change of its configuration at once."""
        reconfigured = self._policy is not None and policy != self._policy
        return self._fresh or reconfigured or now >= self.due_at

    def looked(self, seen: SeenPair, policy: ProbePolicy, now: float) -> Verdict:
        """Look at the pair, and return what follows."""
        if self._fresh and seen.vf is None and seen.reason is Reason.UNREACHABLE:
            self._probe = self._probe.left_before()
        if seen.vf is not None:
            self.vf = seen.vf
        self._fresh = False
        answered, self._heard = frozenset(self._heard), set()
        look = Look(seen.vf, seen.changed_at, seen.sent, seen.received, answered)
        self._probe, verdict = self._probe.looked(look, policy)
        # By the schedule, so that the delays of this process do not add up; but a question takes its time.
        scheduled, least_s = self.due_at + self._probe.wait_s(policy), LEAST_WAIT * policy.interval_s
        self.due_at = max(scheduled, now + least_s)
        return verdict

    def questions(self) -> Iterator[tuple[int, bytes]]:
        """Yield the frames to send now, each with the interface (ifindex) to send it from.

        The first question goes to the neighbour alone; after one without an answer all hosts are asked, as
        the neighbour may have another MAC now.
        """
        for target in self._probe.asked:
            mac = None if self._probe.unanswered or self._probe.check else self._macs.get(target)
            if (target, mac) not in self._frames:
                self._frames[target, mac] = self.targets.question(target, mac)
            if (frame := self._frames[target, mac]) is not None:
                yield target.ifindex, frame

    def asked(self, sent: int) -> None:
        """Note how many questions were sent."""
        self._probe = self._probe.with_sent(sent)

    def take_answered(self) -> int:
        """Return the number of answers since the last call."""
        answers, self._answers = self._answers, 0
        return answers

    def shown(self) -> Probed:
        """Return the state for output."""
        return Probed(self.names, self._probe.state, max(self._last.values(), default=None))
