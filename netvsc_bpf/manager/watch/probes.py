# SPDX-License-Identifier: GPL-2.0-only
"""Probing: asking neighbours through the path in use, and leaving VFs by which none can be reached.

planner/probe.py decides. Questions are sent from the synthetic NIC, so that steer puts them on the path in
use: never on the other one, from which a switch would learn the MAC. One thread serves all pairs of a network
namespace, with two sockets for the answers and one for the questions. Reading the targets (routes,
neighbours) takes netlink, and its lock, every 30 seconds and when MACs, addresses or default routes changed:
a question with an address of before would claim it. What is done each interval takes no lock.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.net import upper_devices
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process.capabilities import CAP_NET_RAW, require
from netvsc_bpf.manager.events.kinds import MANAGER, Event, Kind
from netvsc_bpf.manager.reconcile.pair_boundary import PairBoundary
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.beat import EVERY_S
from netvsc_bpf.manager.state.in_namespace import InNamespace
from netvsc_bpf.manager.state.probe_states import ProbeStates
from netvsc_bpf.manager.watch.open_object import OpenObject
from netvsc_bpf.manager.watch.probe_sockets import ProbeSockets
from netvsc_bpf.manager.watch.probed_pair import ProbedPair, read_pair
from netvsc_bpf.model.errors import MissingCapability, NamespaceGone, NetvscBpfError
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner.probe import LEAST_WAIT, Verdict, longest_check_s
from netvsc_bpf.planner.probe_policy import ProbePolicy, Target
from netvsc_bpf.planner.stall import Stall

_WHAT = "cannot probe"
_SLACK_S = 0.02
"""Pairs that are due within this time are looked at together."""
_LONGEST_S = 1.0
"""How soon a pair that was not probed before is noticed."""


class ProbeWatch:
    """Probes the managed pairs of one network namespace."""

    def __init__(
        self,
        reconciler: Reconciler,
        listener: Callable[[Event], None],
        states: ProbeStates,
        wake: Callable[[], None],
        namespace: InNamespace | None = None,
        unexpected: UnexpectedErrors | None = None,
    ) -> None:
        """`wake` has the reconciler act soon; it is called in the loop's thread."""
        self._reconciler, self._listener, self._states, self._wake = reconciler, listener, states, wake
        self._boundary = PairBoundary(_WHAT, listener, unexpected)
        self._namespace = namespace or InNamespace()
        self._kept = OpenObject(self._namespace.pins)
        self._sockets = ProbeSockets(kept=self._namespace.place is None)
        self._pairs: dict[int, ProbedPair] = {}
        self._asking: dict[Target, ProbedPair] = {}
        """The pair of each target: a device is part of one pair only."""
        self._reconfigured = asyncio.Event()
        self._complained = ""
        self._cleared = False
        """A VF may be used again: the reconciler has to act."""

    def configure(self) -> None:
        """Note that the configuration or the managed pairs may have changed."""
        self._reconfigured.set()

    async def run(self) -> None:
        """Probe until cancelled. While no pair is to be probed, nothing is done at all."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="probe")
        try:
            while True:
                self._reconfigured.clear()
                wait_s = await self._look(loop, thread)
                # Not asyncio.wait_for(): before Python 3.12 it loses a cancellation.
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._reconfigured.wait()
        finally:
            thread.submit(self._close)
            thread.shutdown(wait=False)

    async def _look(self, loop: asyncio.AbstractEventLoop, thread: ThreadPoolExecutor) -> float | None:
        """Look once; return in how many seconds to look again, None if there is nothing to probe."""
        if not self._enabled() and not self._pairs:
            return None
        try:
            require(_WHAT, CAP_NET_RAW)
            wait_s = await loop.run_in_executor(thread, self.look)
        except NamespaceGone:
            return _LONGEST_S
        except MissingCapability as error:
            self._report(f"{error.what}: {error.why}; grant it, or set enabled = false in [probe]")
            return _LONGEST_S
        except NetvscBpfError as error:
            self._report(str(error))
            return _LONGEST_S
        self._complained = ""
        if self._cleared:
            self._cleared = False
            self._wake()
        return wait_s

    def look(self) -> float | None:
        """Look at the pairs that are due; return in how many seconds to do so again, None if never."""
        with self._namespace.entered(), changing(_WHAT):
            loaded, policies = self._kept.current(), self._enabled()
            if loaded is None or not policies:
                self._forget(set())
                self._sockets.close()
                self._kept.close()
                return _LONGEST_S if policies else None
            self._forget(set(policies))
            now = time.monotonic()
            for target, mac in self._sockets.answers():
                if (probed := self._asking.get(target)) is not None:
                    probed.heard(target, mac)
            changes = self._sockets.changes()
            for pair in self._pairs.values():
                pair.note_changes(changes)
            self._welcome(policies, now)
            due = [one for one, policy in policies.items() if self._pairs[one].is_due(policy, now + _SLACK_S)]
            self._read_targets(due, policies, now)
            for one in due:
                with self._boundary.around(self._reconciler.reporter.name(one), "look"):
                    self._look_at(loaded, one, policies[one], now)
            if not self._sockets.kept:
                self._sockets.wait(min(policies[pair].interval_s for pair in policies) / 2)
            soonest = min(pair.due_at for pair in self._pairs.values())
            return max(0.0, min(_LONGEST_S, soonest - time.monotonic()))

    def _enabled(self) -> Mapping[int, ProbePolicy]:
        return {pair: policy for pair, policy in self._reconciler.probing.items() if policy.enabled}

    def _welcome(self, policies: Mapping[int, ProbePolicy], now: float) -> None:
        """Have pairs that were not probed before looked at now, and from then on when others are."""
        for ifindex in policies.keys() - self._pairs.keys():
            interval_s = policies[ifindex].interval_s
            earliest = now + LEAST_WAIT * interval_s
            next_at = earliest + self._namespace.beat.wait_s(earliest, min(interval_s, EVERY_S))
            self._pairs[ifindex] = ProbedPair(ifindex, next_at - interval_s)

    def _forget(self, wanted: set[int]) -> None:
        for gone in self._pairs.keys() - wanted:
            pair = self._pairs.pop(gone)
            self._asking = {target: one for target, one in self._asking.items() if one is not pair}
        self._states.keep(wanted)

    def _read_targets(self, due: list[int], policies: Mapping[int, ProbePolicy], now: float) -> None:
        outdated = [one for one in due if self._pairs[one].targets_outdated(policies[one], now)]
        if not outdated:
            return
        with Rtnetlink() as rtnl:
            links = upper_devices.links_among(rtnl, self._reconciler.scope.members)
            for pair in outdated:
                with self._boundary.around(self._reconciler.reporter.name(pair), "targets"):
                    before = self._pairs[pair].targets.unreached
                    self._pairs[pair].read_targets(rtnl, links, policies[pair], now)
                    self._report_unreached(self._pairs[pair], before)
        self._asking = {target: pair for pair in self._pairs.values() for target in pair.targets.targets}

    def _report_unreached(self, pair: ProbedPair, before: tuple[str, ...]) -> None:
        unreached = pair.targets.unreached
        if unreached and unreached != before:
            name = self._reconciler.reporter.name(pair.ifindex)
            text = f"{', '.join(unreached)}: on no network of {name} or of VLANs on it, and not asked"
            self._listener(Event(Kind.PROBED, name, text))

    def _look_at(self, loaded: LoadedObject, ifindex: int, policy: ProbePolicy, now: float) -> None:
        pair, name = self._pairs[ifindex], self._reconciler.reporter.name(ifindex)
        seen = read_pair(loaded, ifindex)
        if seen is None:
            pair.due_at = now + self._namespace.beat.wait_s(now, policy.interval_s)
            return
        unanswered = pair.unanswered + 1
        verdict = pair.looked(seen, policy, now)
        self._act(loaded, pair, seen.slot, verdict, policy, unanswered)
        sent = self._sockets.ask(pair.questions())
        pair.asked(sent)
        self._states.noted(ifindex, name, pair.shown(), sent=sent, answered=pair.take_answered())

    def _act(
        self,
        loaded: LoadedObject,
        pair: ProbedPair,
        slot: int,
        verdict: Verdict,
        policy: ProbePolicy,
        unanswered: int,
    ) -> None:
        memories, names = self._reconciler.memories, ", ".join(pair.names)
        name, vf = self._reconciler.reporter.name(pair.ifindex), self._reconciler.reporter.vf(pair.vf)
        match verdict:
            case Verdict.LEAVE:
                asked = "a question" if unanswered == 1 else f"{unanswered} questions in a row"
                why = f"is up with carrier, but {asked} had no answer ({names})"
                stall = Stall(
                    pair.ifindex,
                    pair.vf,
                    time.monotonic(),
                    why,
                    Reason.UNREACHABLE,
                    longest_check_s(policy),
                )
                # Record it before the permission is withdrawn, so that it is not given again at once.
                memories.stalled(stall)
                loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(Reason.UNREACHABLE))
            case Verdict.AT_FAULT:
                memories.path_left(pair.ifindex, pair.vf, time.monotonic())
                text = f"answered by the synthetic path: {vf} was at fault"
                self._listener(Event(Kind.PROBED, name, text))
            case Verdict.PROVED_NOTHING:
                memories.cleared(pair.ifindex, pair.vf)
                self._cleared = True
                text = (
                    f"{names}: silent on the synthetic path too; {vf} is used again, and not left because of "
                )
                self._listener(Event(Kind.PROBED, name, f"{text}them before they answer"))

    def _report(self, text: str) -> None:
        if text != self._complained:
            self._complained = text
            self._listener(Event(Kind.FAILED, MANAGER, text))

    def _close(self) -> None:
        self._sockets.close()
        self._kept.close()
