# SPDX-License-Identifier: GPL-2.0-only
"""One reconciliation: observe, plan, act, until the plan is empty. Runs in its own thread and may block."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field

from netvsc_bpf.datapath.known_pairs import refresh_known
from netvsc_bpf.datapath.load import loaded_or_load
from netvsc_bpf.datapath.move_vf import guards_of_moved_nics
from netvsc_bpf.datapath.session import Scope, Session, reading, writing
from netvsc_bpf.datapath.slots import is_permitted
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.discovery.nics import NicMemo
from netvsc_bpf.kernel.bpf.attach_notes import AttachNotes
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.moved_nic_marks import moved_nics_of
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.arming import Arming
from netvsc_bpf.manager.reconcile.current_step import CurrentStep
from netvsc_bpf.manager.reconcile.executor import Executor, is_gone
from netvsc_bpf.manager.reconcile.observe import observe, wanted_settle_ms
from netvsc_bpf.manager.reconcile.pair_retries import PairRetries
from netvsc_bpf.manager.reconcile.release import PairRelease, orphans
from netvsc_bpf.manager.reconcile.udev_wait import UdevWait
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.reconcile.upgrade import Upgrader
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.manager.state.config import InterfaceConfig, ManagerConfig
from netvsc_bpf.manager.state.deferred_steps import DeferredSteps
from netvsc_bpf.manager.state.known_pairs import known_to_manager
from netvsc_bpf.manager.state.managed_moved_nics import ManagedMovedNics
from netvsc_bpf.manager.state.managed_nics import Managed
from netvsc_bpf.manager.state.observation_scope import ObservationScope
from netvsc_bpf.manager.state.pair_states import PairMemories
from netvsc_bpf.manager.state.vf_selection import Seen
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.model.errors import NetvscBpfError, PairDrained
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import LeavePolicy, XdpPolicy
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.plan import Wanted, plan
from netvsc_bpf.planner.probe_policy import ProbePolicy

_WHAT = "cannot manage"
_ROUNDS = 10
"""Plans are short chains (leave, attach, join, follow, permit).

A pair that is not done after this many rounds is being changed externally meanwhile.
"""


_LET_GO_S = 0.05
"""How soon to check again a NIC that came back from another namespace and is not released there yet."""


@dataclass(slots=True)
class Reconciler:
    """Brings the pairs of this thread's network namespace to the configured state."""

    config: ManagerConfig
    reporter: Reporter
    stats: ManagerStats = field(default_factory=ManagerStats)
    clock: Callable[[], float] = time.monotonic
    memories: PairMemories = field(init=False)
    running: CurrentStep = field(default_factory=CurrentStep)
    unexpected: InitVar[UnexpectedErrors | None] = None
    """Counts unexpected errors; without it they are counted separately here."""
    scope: ObservationScope = field(default_factory=ObservationScope)
    home: NetnsHandle | None = None
    """The manager's own namespace, if this is another one.

    Then only NICs that came from there are managed.
    """
    changed: Callable[[], None] = lambda: None
    """Called if pins may have changed: by this manager, or unnoticed since the last full observation."""
    served: frozenset[int] = frozenset()
    """The managed synthetic NICs (ifindexes) when last observed. Any thread may read it."""
    claiming: frozenset[int] = frozenset()
    """Those of them whose IP addresses are announced (`[announce] addresses`). Any thread may read it."""
    probing: Mapping[int, ProbePolicy] = field(default_factory=dict)
    """How the managed pairs (ifindexes) are probed. Any thread may read it."""
    _managed: Managed | ManagedMovedNics = field(init=False)
    _arming: Arming = field(default_factory=Arming)
    _upgrade: Upgrader = field(default_factory=Upgrader)
    _newcomers: UdevWait = field(init=False)
    _release: PairRelease = field(init=False)
    _retries: PairRetries = field(init=False)
    _unhurried: DeferredSteps = field(default_factory=DeferredSteps)
    _memo: NicMemo = field(default_factory=NicMemo)
    _choices: AttachNotes = field(default_factory=AttachNotes)
    _pins: NetnsPins = field(init=False)
    _configs: deque[ManagerConfig] = field(default_factory=deque)

    def __post_init__(self, unexpected: UnexpectedErrors | None) -> None:
        self._newcomers = UdevWait(self.reporter.timing.arrivals)
        self.memories = PairMemories(
            self.config.damping, self.config.stall, self.reporter.stalled, self.clock
        )
        self._retries = PairRetries(_WHAT, self.memories, self.reporter, self.stats, self.clock, unexpected)
        if self.home is None:
            self._managed = Managed(self.config.interfaces, self.config.options.any_bus)
        else:
            self._managed = ManagedMovedNics(self.home)
        self._release = PairRelease(
            self.memories,
            self.running,
            self.reporter,
            self.clock,
            self._retries.failed,
            self._retries.report,
            self._managed.last_name,
        )

    def __call__(self) -> float | None:
        """Reconcile once.

        Return in how many seconds to reconcile again, None if only after an event. Raises NetvscBpfError if
        nothing can be done at all; errors of one pair are reported and retried later.
        """
        while self._configs:
            self._take_over(self._configs.popleft())
        self._arming.ask_again()
        self.memories.count()
        self._unhurried.begin(len(self.memories), self.clock())
        self._retries.begin()
        wait_s = self._turn(self.scope.begin(self.clock(), self.config.interval_s))
        self.scope.end()
        return wait_s

    def _turn(self, near: Scope | None) -> float | None:
        begun, now = CLOCKS.boottime(), self.clock()
        work: set[int] | None = {ifindex for ifindex, at in self.steps_at().items() if at <= now}
        if not work:  # there is no need to look first whether something is due: ingress is lost meanwhile
            with reading(_WHAT, self._memo, near) as session:
                session = self._begun(session, begun)
                work = self._look(session)
                if work is None:
                    return self._wait_s(session)
            near = session.scope
        self.changed()
        with writing(_WHAT, self._memo, near) as session:
            session = self._begun(session, begun)
            self._rounds(session, work)
            # Changes meanwhile have events of their own.
            return self._wait_s(session.refreshed())

    def _begun(self, session: Session, begun: int) -> Session:
        """Note what was read from `begun` (CLOCK_BOOTTIME ns) on; return only what concerns the pairs."""
        self._pins = session.pins
        if session.scope is None:
            self.reporter.timing.arrivals.observed((nic.ifindex for nic in session.nics), begun)
        session = self._near(session)
        if self.scope.was_at_everything:
            self.changed()
        return session

    def steps_at(self) -> dict[int, float]:
        """Return when (`clock`) managed pairs (ifindexes) have a step, unless they change before.

        Any thread may call it.
        """
        served = self.served
        return {ifindex: at for ifindex, at in self.memories.steps_at().items() if ifindex in served}

    def configure(self, config: ManagerConfig) -> None:
        """Apply another configuration from the next reconciliation on. Any thread may call it."""
        self._configs.append(config)

    def _take_over(self, config: ManagerConfig) -> None:
        self.config = config
        self.scope.at_everything()
        if isinstance(self._managed, Managed):
            self._managed.configure(config.interfaces, config.options.any_bus)
        self.memories.configure(config.damping, config.stall)

    def _look(self, session: Session) -> set[int] | None:
        """Return the pairs (ifindex) with something to do; None if there is nothing at all."""
        with opened(session.pins) as loaded:
            busy = self._busy(session, loaded)
            due = busy or orphans(session) or self._upgrade.due(session, loaded, self.clock())
            return busy if due else None

    def _busy(self, session: Session, loaded: LoadedObject | None) -> set[int]:
        """Return the pairs (ifindex) with something to do, and withdraw permissions that must be withdrawn.

        It takes no lock and waits neither for another pair nor for another writer.
        """
        plans: dict[int, list[act.Action]] = {}
        to_withdraw = []
        synthetics = self._synthetics(session)
        known = self._known(session, loaded, synthetics)
        for nic in synthetics:
            with self._retries.around(nic):
                if loaded is not None and loaded.blind:
                    self._arming.look(session, loaded, nic)
                steps = self._steps(session, loaded, nic, known)[1]
                if steps:
                    plans[nic.ifindex] = steps
                if any(isinstance(step, act.Withdraw) for step in steps):
                    to_withdraw.append(nic.ifindex)
        if loaded is not None and to_withdraw:
            # The holder of the lock may have changed a VF after the first dump and permitted it before the
            # maps were read. What it changed before that is in a second dump.
            self._withdraw(session.refreshed(), loaded, to_withdraw)
        self._unhurried.planned(plans.values())
        return set(plans)

    def _withdraw(self, session: Session, loaded: LoadedObject, pairs: Sequence[int]) -> None:
        """Withdraw the permission of those of these pairs (ifindexes) that must not have it."""
        if not pairs:
            return
        known = self._known(session, loaded, self._synthetics(session))
        for nic in filter(None, map(session.nic, pairs)):
            with self._retries.around(nic):
                seen, steps = self._steps(session, loaded, nic, known)
                withdrawals: list[act.Action] = [one for one in steps if isinstance(one, act.Withdraw)]
                if withdrawals:
                    self._carry_out(session, loaded, nic, seen, withdrawals)

    def _rounds(self, session: Session, busy: set[int]) -> None:
        """Execute plans until they are empty; the pairs of `busy` first, since they have waited already."""
        with opened(session.pins) as loaded:
            if loaded is not None:  # the state may have changed while waiting for the lock
                self._withdraw(session, loaded, [one for one in busy if is_permitted(loaded, one)])
        self._release(session, self.config)
        self._upgraded(session)
        every = not busy
        for _ in range(_ROUNDS):
            synthetics = self._synthetics(session)
            if not synthetics:
                return
            # Pairs without steps are observed once more when no pair has any steps left.
            due = synthetics if every else [nic for nic in synthetics if nic.ifindex in busy]
            with self.running.compiling():
                loaded = loaded_or_load(session, self.config.options.liveness)
            with loaded:
                known = self._known(session, loaded, synthetics)
                busy = {nic.ifindex for nic in due if self._one_alone(session, loaded, nic, known)}
            if not busy and len(due) == len(synthetics):
                return
            every, session = not busy, session.refreshed()
        for ifindex in busy:
            memory = self.memories.of(ifindex)
            memory.failed(self.clock())
            if memory.retry.failures > 1:  # a single failure may be a VF that was just replaced
                self.reporter.unstable(ifindex)

    def _upgraded(self, session: Session) -> None:
        """Replace programs of another version and restore a lost sentinel; or leave everything unchanged."""
        with opened(session.pins) as loaded:
            if loaded is None:
                return
            begun = self.clock()
            try:
                with self.running.compiling():
                    done = self._upgrade(session, loaded, begun)
            except NetvscBpfError as error:
                self.reporter.upgrade_failed(error)
            except Exception as error:
                self._retries.report(error)
            else:
                if done is not None:
                    self.reporter.upgraded(done, self.clock() - begun)

    def _known(self, session: Session, loaded: LoadedObject | None, managed: Sequence[Nic]) -> KnownPairs:
        return known_to_manager(session, loaded, self._each_wanted(managed))

    def _one_alone(self, session: Session, loaded: LoadedObject, nic: Nic, known: KnownPairs) -> bool:
        with self._retries.around(nic):
            return self._one(session, loaded, nic, known)
        return False

    def _one(self, session: Session, loaded: LoadedObject, nic: Nic, known: KnownPairs) -> bool:
        """Execute the steps of one pair; return whether there were any, and they succeeded."""
        seen, steps = self._steps(session, loaded, nic, known)
        if not steps:
            return False
        try:
            return self._carry_out(session, loaded, nic, seen, steps)
        finally:
            refresh_known(known, loaded, nic.ifindex)

    def _carry_out(
        self, session: Session, loaded: LoadedObject, nic: Nic, seen: Seen, steps: list[act.Action]
    ) -> bool:
        memory = self.memories.of(nic.ifindex)
        executor = Executor(session, loaded, self._wanted(nic).options)
        for step in steps:
            begun = self.clock()
            try:
                with self.running.step(step) as given_up:
                    refused = executor.run(step)
            except NetvscBpfError as error:
                if is_gone(seen.pair, step) or isinstance(error, PairDrained):
                    return True  # not a failure: the next observation finds it gone, or drained
                memory.failed(self.clock())
                self._retries.failed(step, error, begun)
                return False
            self._unhurried.took(step)
            while session.tools.warnings:
                self.reporter.warned(step.ifindex, session.tools.warnings.pop(0))
            self.reporter.done(seen.pair, step, refused, self.clock() - begun)
            if given_up():
                # The pair was changed meanwhile, and the reason has been recorded: observe again.
                self.memories.count()
                return True
        changes = [step for step in steps if not isinstance(step, act.ReplaceInterim | act.Describe)]
        if not memory.took(len(changes), self.clock()):
            self.reporter.unstable(nic.ifindex)
            return False
        return True

    def _steps(
        self, session: Session, loaded: LoadedObject | None, nic: Nic, known: KnownPairs
    ) -> tuple[Seen, list[act.Action]]:
        now, wanted = self.clock(), self._wanted(nic)
        seen = observe(session, loaded, nic, wanted.options, known)
        self.reporter.observed(seen)  # first: what is reported below names the interface
        memory = self.memories.observed(seen.pair, now)
        held = memory.held(seen.pair, now)
        settle_ms = wanted_settle_ms(seen, wanted.settle_ms)
        needs_xdp, leave = wanted.options.xdp is XdpPolicy.REQUIRE, wanted.options.leave
        no_link = leave is LeavePolicy.DOWN and memory.without_link(seen.pair, now)
        damped, drained = memory.damper.suppressed, seen.pair.drained
        lingers = drained is not None and drained.lingers(CLOCKS.boottime())
        chosen = Wanted(
            settle_ms,
            damped,
            held,
            needs_xdp,
            leave,
            no_link,
            all_multicast=wanted.options.all_multicast,
            returns=wanted.options.return_,
            lingers=lingers,
        )
        steps = plan(seen.pair, chosen)
        if not steps:
            memory.settled()
            self.reporter.settled(nic.ifindex)
        steps = self._newcomers.without_unready(nic.ifindex, memory.allowed(steps, now))
        joined = seen.pair.joined
        expected = joined is not None and joined.permitted and not joined.armed
        return seen, self._unhurried.without_late(nic.ifindex, steps, expected=expected)

    def _wanted(self, nic: Nic) -> InterfaceConfig:
        """Return the settings of a pair: what `attach` chose is kept, unless the configuration names it."""
        configured = self.config.of(self._managed.name(nic), nic.name, *nic.altnames)
        return configured.with_choice(self._choices.of(self._pins, nic.ifindex))

    def _each_wanted(self, nics: Iterable[Nic]) -> list[tuple[Nic, InterfaceConfig]]:
        found = []
        for nic in nics:
            with self._retries.around(nic):
                found.append((nic, self._wanted(nic)))
        return found

    def _synthetics(self, session: Session) -> list[Nic]:
        """Return the managed NICs, except those that came back and are not released elsewhere yet."""
        managed = self._managed.among(session.nics, session.attached())
        held = guards_of_moved_nics(NetnsHandle.here())
        ours = [nic for nic in managed if nic.xdp_prog_id not in held]
        self.served = frozenset(nic.ifindex for nic in ours)
        wanted = self._each_wanted(ours)
        self.claiming = frozenset(nic.ifindex for nic, one in wanted if one.announce.addresses)
        self.probing = {nic.ifindex: one.probe for nic, one in wanted}
        return ours

    def _near(self, session: Session) -> Session:
        return self.scope.confine(session, self._synthetics, self._names)

    def _names(self, synthetics: Iterable[Nic]) -> set[str]:
        """Return the relevant names: of the managed NICs, and of explicitly named VFs."""
        named = [self.config.options.vf, *(one.options.vf for _, one in self._each_wanted(synthetics))]
        return {*self._managed.names_ever(), *filter(None, named)}

    def _missing(self, left: Iterable[int]) -> list[str]:
        """Return the names that no interface has, here or in other namespaces.

        `left` are the synthetic NICs (ifindexes) that are no longer here and may be in other namespaces.
        """
        missing = self._managed.missing()
        away = {one.name for one in moved_nics_of(NetnsHandle.here())} if missing else set()
        away |= set(filter(None, map(self._managed.last_name, left)))
        return [name for name in missing if name not in away]

    def _wait_s(self, session: Session) -> float | None:
        now, synthetics = self.clock(), self._synthetics(session)
        present, attached = {nic.ifindex for nic in session.nics}, session.attached()
        left = set(attached) - present  # to be searched for in other namespaces
        self.reporter.missing(self._missing(left))
        waits = [self._upgrade.wait_s(now), self._newcomers.wait_s(nic.ifindex for nic in synthetics)]
        waits.append(self._unhurried.wait_s())
        if len(synthetics) < len(self._managed.among(session.nics, attached)):
            waits.append(_LET_GO_S)
        with opened(session.pins) as loaded:
            if loaded is not None:
                for nic in synthetics:
                    with self._retries.around(nic):
                        waits.append(self._arming.look(session, loaded, nic))
        memories = {nic.ifindex: self.memories.of(nic.ifindex) for nic in synthetics}
        waits += [memory.wait_s(now) for memory in memories.values()]
        waits += [memory.drained_wait_s(CLOCKS.boottime()) for memory in memories.values()]
        waits += self._retries.end(now)
        for gone in set(self.memories) - {nic.ifindex for nic in synthetics} - left:
            self.memories.forget(gone)
            if gone not in present:
                self.reporter.forget(gone)
        return min((max(0.002, wait) for wait in waits if wait is not None), default=None)
