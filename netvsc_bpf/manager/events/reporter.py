# SPDX-License-Identifier: GPL-2.0-only
"""Turning steps, refusals and kernel events into events for people, each reported once."""

import traceback
from collections.abc import Callable, Iterable

from netvsc_bpf.datapath.upgrade import Upgraded
from netvsc_bpf.discovery.refusal import Cause
from netvsc_bpf.discovery.xdp_reach import describe
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.manager.events.adopted_event import adopted_event
from netvsc_bpf.manager.events.drain_events import drained_event, undrained_event
from netvsc_bpf.manager.events.kinds import MANAGER, Detail, Event, Kind, Value
from netvsc_bpf.manager.events.path_changes import switch_event
from netvsc_bpf.manager.events.step_details import step_details
from netvsc_bpf.manager.events.step_words import step_words
from netvsc_bpf.manager.state.durations import Timing
from netvsc_bpf.manager.state.vf_selection import Seen
from netvsc_bpf.model.drain import Drain
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation
from netvsc_bpf.planner.stall import Stall

_EVERYDAY = frozenset({Cause.UNFIT, Cause.OTHER_PAIR})


class Reporter:
    """Reports events to a listener."""

    def __init__(self, listener: Callable[[Event], None]) -> None:
        self._listener = listener
        self._refused: dict[int, tuple[str, ...]] = {}
        self._names: dict[int, str] = {}
        self._attached: set[int] = set()
        self._failed: dict[int, str] = {}
        self._warned: dict[int, set[str]] = {}
        self._trouble: str | None = None
        self._not_upgraded: str | None = None
        self._missing: frozenset[str] = frozenset()
        self._drained: dict[int, Drain] = {}
        self._maintained: set[int] = set()
        """Pairs whose drain the manager has ended because maintenance is over."""
        self._vfs: dict[int, str] = {}
        """The names of joined VFs, by ifindex: a path change may be reported after the VF is gone."""
        self._last_vf: dict[int, str] = {}
        """The name of the VF that joined last, by the ifindex of the synthetic NIC."""
        self.timing = Timing()

    def observed(self, seen: Seen) -> None:
        """Report what pairing refused, unless it refused the same last time."""
        nic = seen.pair.synthetic
        if nic.ifindex not in self._names and seen.pair.steer:
            self._listener(adopted_event(seen.pair))
        self._names[nic.ifindex] = nic.name
        if seen.pair.steer:
            self._attached.add(nic.ifindex)
        if seen.pair.joined is not None:
            vf = seen.pair.joined.vf
            self._vfs[vf.ifindex] = self._last_vf[nic.ifindex] = vf.name
        # A VLAN device of the pair always has its MAC, and so do the ports of a bond: not worth a report.
        alarming = (one for one in seen.refusals if one.cause not in _EVERYDAY)
        refused: dict[str, dict[Detail, Value]] = {
            f"{one.nic.name}: {one.reason}": {Detail.VF: one.nic.name, Detail.REASON: one.cause.value}
            for one in alarming
        }
        joined = seen.pair.joined
        if joined is not None and joined.bypassed_xdp is not None:
            reason: dict[Detail, Value] = {Detail.VF: joined.vf.name, Detail.REASON: Reason.XDP_MISSING.value}
            refused[describe(joined.bypassed_xdp, nic, joined.vf)] = reason
        if seen.problem is not None:
            refused[str(seen.problem)] = {Detail.ERROR: type(seen.problem).__name__}
        before = self._refused.get(nic.ifindex, ())
        self._refused[nic.ifindex] = tuple(refused)
        for text, details in refused.items():
            if text not in before:
                self._listener(Event(Kind.REFUSED, nic.name, text, details=details))
        self._drains(nic, seen.pair.drained)

    def _drains(self, nic: Nic, now: Drain | None) -> None:
        """Report that the pair was drained, or the drain changed, or that it has ended."""
        before = self._drained.pop(nic.ifindex, None)
        maintained = nic.ifindex in self._maintained
        self._maintained.discard(nic.ifindex)
        if now is not None:
            self._drained[nic.ifindex] = now
            if now != before and not now.renews(before):
                self._listener(drained_event(nic.name, now))
        elif before is not None:
            self._listener(undrained_event(nic.name, before, maintained=maintained))

    def maintained(self, ifindex: int) -> None:
        """Note that the drain of a pair has just been ended because maintenance is over."""
        self._maintained.add(ifindex)

    def missing(self, names: Iterable[str]) -> None:
        """Report which named interfaces do not exist (yet)."""
        missing = frozenset(names)
        for name in sorted(missing - self._missing):
            self._listener(Event(Kind.AWAITED, name, "no such interface yet"))
        self._missing = missing

    def failed(self, step: act.Action, error: NetvscBpfError, took_s: float) -> None:
        """Report that a step failed and was undone; the same failure of the same pair only once."""
        if self._failed.get(step.ifindex) != str(error):
            self._failed[step.ifindex] = str(error)
            details: dict[Detail, Value] = {
                Detail.STEP: type(step).__name__,
                Detail.ERROR: type(error).__name__,
                Detail.DURATION_S: round(took_s, 6),
            }
            self._listener(Event(Kind.FAILED, self.name(step.ifindex), str(error), details=details))

    def warned(self, ifindex: int, text: str) -> None:
        """Report something non-essential that could not be done for a pair; the same only once."""
        if text not in self._warned.setdefault(ifindex, set()):
            self._warned[ifindex].add(text)
            self._listener(Event(Kind.REFUSED, self.name(ifindex), text))

    def pair_failed(self, nic: Nic, error: NetvscBpfError) -> None:
        """Report that a pair could not be observed or planned; the same error of the same pair only once."""
        if self._failed.get(nic.ifindex) != str(error):
            self._failed[nic.ifindex] = str(error)
            details: dict[Detail, Value] = {Detail.ERROR: type(error).__name__}
            self._listener(Event(Kind.FAILED, nic.name, str(error), details=details))

    def unstable(self, ifindex: int) -> None:
        """Report that a pair keeps being changed; once, until it stops."""
        text = "something keeps changing this pair: repairs are rate-limited"
        if self._failed.get(ifindex) != text:
            self._failed[ifindex] = text
            self._listener(Event(Kind.FAILED, self.name(ifindex), text))

    def settled(self, ifindex: int) -> None:
        """Note that a pair has no steps left: a later failure is a new one."""
        self._failed.pop(ifindex, None)

    def trouble(self, error: Exception | str | None) -> None:
        """Report what blocks the whole manager, unless it is the same as last time; None: nothing."""
        text = None if error is None else str(error)
        if text is not None and text != self._trouble:
            self._listener(Event(Kind.FAILED, MANAGER, text))
        self._trouble = text

    def upgraded(self, done: Upgraded, took_s: float) -> None:
        """Report that the programs were replaced: those of another version, or an incomplete sentinel."""
        self._not_upgraded = None
        if done.lost:
            text = f"the sentinel had lost {', '.join(done.lost)} and is complete again"
            details: dict[Detail, Value] = {Detail.HOOK: "sentinel", Detail.DURATION_S: round(took_s, 6)}
            self._listener(Event(Kind.REPAIRED, MANAGER, text, details=details))
        if done.now != done.before:
            text = f"programs {done.before:08x} replaced by {done.now:08x}; counters continue"
            self._listener(Event(Kind.UPGRADED, MANAGER, text))

    def upgrade_failed(self, error: NetvscBpfError) -> None:
        """Report why the programs were not replaced; the same reason only once."""
        if self._not_upgraded != str(error):
            self._not_upgraded = str(error)
            text = f"the programs were not replaced: {error}"
            self._listener(Event(Kind.FAILED, MANAGER, text, details={Detail.ERROR: type(error).__name__}))

    def unexpected(self, error: BaseException | str, count: int, interface: str = MANAGER) -> None:
        """Report an unexpected error with its traceback, each time."""
        where = error if isinstance(error, str) else "".join(traceback.format_exception(error))
        text = f"unexpected error, number {count}: {where}"
        self._listener(Event(Kind.FAILED, interface, text, details={Detail.ERRORS: count}))

    def moved(self, ifindex: int, name: str | None, text: str, netns: str) -> None:
        """Report that a synthetic NIC moved to another network namespace, and who manages it there."""
        details: dict[Detail, Value] = {Detail.NETNS: netns}
        self._listener(Event(Kind.MOVED, name or self.name(ifindex), text, details=details))

    def forget(self, ifindex: int) -> None:
        """Drop the state of a pair that no longer exists."""
        self._last_vf.pop(ifindex, None)
        for known in (self._refused, self._names, self._failed, self._warned, self._drained):
            known.pop(ifindex, None)
        self._attached.discard(ifindex)
        self._maintained.discard(ifindex)
        self.timing.forget(ifindex)

    def done(
        self, pair: PairObservation | None, step: act.Action, refused: str | None, took_s: float
    ) -> None:
        """Report a completed step, or what the VF refused; `took_s` is its duration."""
        if isinstance(step, act.ReplaceInterim | act.Describe):
            return  # part of joining, which has been reported
        last_vf = self._last_vf.get(step.ifindex)
        kind, text = step_words(pair, step, attached=step.ifindex in self._attached, last_vf=last_vf)
        if refused is not None:
            kind, text = Kind.REFUSED, refused
        repair = kind is Kind.REPAIRED
        details = {
            **step_details(pair, step, repair=repair, last_vf=last_vf),
            Detail.DURATION_S: round(took_s, 6),
        }
        match step:
            case act.Attach():
                self._attached.add(step.ifindex)
            case act.Join(vf=vf) if pair is None or pair.joined is None:
                self._vfs[vf.ifindex] = self._last_vf[step.ifindex] = vf.name
                self.timing.joined(vf.ifindex)
        self._listener(Event(kind, self.name(step.ifindex), text, details=details))

    def switched(self, change: abi.PathEvent) -> None:
        """Report a path change, with the kernel's time."""
        pair, vf = change.synthetic_ifindex, change.vf_ifindex
        armed = abi.PATHS[change.to] is Path.VF
        event = switch_event(
            change,
            self.name(pair),
            self._vfs.get(vf),
            lasted_s=self.timing.lasted_s(pair, change.at),
            join_s=self.timing.joined_for_s(vf, change.at) if armed else None,
        )
        self._listener(event)

    def stalled(self, stall: Stall, hold_s: float) -> None:
        """Report that a VF transmits or reaches nothing, and for how long (seconds) it is not used."""
        vf = self._vfs.get(stall.vf, "VF")
        text = f"{vf} {stall.why}: it is not used for {hold_s:g} s"
        details: dict[Detail, Value] = {
            Detail.VF: vf,
            Detail.REASON: stall.reason.value,
            Detail.HOLD_S: hold_s,
        }
        kind = Kind.UNREACHABLE if stall.reason is Reason.UNREACHABLE else Kind.STALLED
        self._listener(Event(kind, self.name(stall.ifindex), text, details=details))

    def vf(self, ifindex: int) -> str:
        """Return the name of a joined VF when it was last observed."""
        return self._vfs.get(ifindex, "VF")

    def timed_out(self, step: act.Action, limit_s: float) -> None:
        """Report that a step has not returned, so that its pair is moved to the synthetic path."""
        name = type(step).__name__
        text = f"{name} has not returned for {limit_s:g} s: a driver may hang; the VF is not used meanwhile"
        self._listener(Event(Kind.FAILED, self.name(step.ifindex), text, details={Detail.STEP: name}))

    def reconciled(self, took_s: float, wait_s: float | None) -> None:
        """Report a reconciliation, for the log at level `debug`."""
        again = "after the next event" if wait_s is None else f"in {wait_s:.3f} s"
        text = f"took {took_s * 1e3:.1f} ms; next {again}"
        details: dict[Detail, Value] = {Detail.DURATION_S: round(took_s, 6)}
        self._listener(Event(Kind.RECONCILED, MANAGER, text, details=details))

    def name(self, ifindex: int) -> str:
        """Return the name of a pair when it was last observed."""
        return self._names.get(ifindex, f"interface {ifindex}")
