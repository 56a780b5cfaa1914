# SPDX-License-Identifier: GPL-2.0-only
"""One reconciliation: look, plan, act, until the plan is empty. Runs in a thread of its own and may block."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from netvsc_bpf.datapath.loading import loaded_or_load
from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS
from netvsc_bpf.datapath.session import Session, reading, writing
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.discovery.pairing import find_synthetics
from netvsc_bpf.kernel.abi import ControlCommand, ControlResult
from netvsc_bpf.kernel.objects import LoadedObject
from netvsc_bpf.manager.config import ManagerConfig
from netvsc_bpf.manager.execute import Executor
from netvsc_bpf.manager.observe import Seen, observe
from netvsc_bpf.manager.tell import Teller
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.damping import Damper
from netvsc_bpf.planner.plan import Wanted, plan

_ROUNDS = 8
"""Plans are short chains (attach, join, permit).

More rounds than this mean that somebody works against us.
"""
_RETRY_S = (0.1, 0.5, 2.0, 10.0, 30.0)


@dataclass(slots=True)
class PairMemory:
    """What the manager keeps of a pair from one look to the next; losing it costs nothing but patience."""

    damper: Damper
    failures: int = 0
    retry_at: float = 0.0


@dataclass(slots=True)
class Reconciler:
    """Brings the pairs of this thread's network namespace to what is wanted."""

    config: ManagerConfig
    teller: Teller
    clock: Callable[[], float] = time.monotonic
    memory: dict[int, PairMemory] = field(default_factory=dict)

    def __call__(self) -> float | None:
        """Do what is to be done.

        Return in how many seconds to look again, None if only when something happens.
        """
        with reading("cannot manage") as session:
            due = self._due(session)
        if due:
            with writing("cannot manage") as session:
                self._rounds(session)
        with reading("cannot manage") as session:
            return self._nudge(session)

    def path_left(self, ifindex: int, times: int = 1) -> None:
        """Take note that the kernel left the VF of a pair."""
        memory = self._memory(ifindex)
        memory.damper = memory.damper.left(self.clock(), times)

    def _due(self, session: Session) -> bool:
        loaded = _opened(session)
        try:
            return any(self._steps(session, loaded, nic)[1] for nic in self._synthetics(session))
        finally:
            if loaded is not None:
                loaded.close()

    def _rounds(self, session: Session) -> None:
        for _ in range(_ROUNDS):
            with loaded_or_load(session, self.config.options.liveness) as loaded:
                work = [self._one(session, loaded, nic) for nic in self._synthetics(session)]
            if not any(work):
                return
            session = session.refreshed()

    def _one(self, session: Session, loaded: LoadedObject, nic: Nic) -> bool:
        """Carry out the steps of one pair; return whether there were any that worked."""
        memory = self._memory(nic.ifindex)
        seen, steps = self._steps(session, loaded, nic)
        self.teller.refusals(seen)
        executor = Executor(session, loaded, self.config.options)
        for step in steps:
            try:
                executor.run(step)
            except NetvscBpfError as error:
                delay = _RETRY_S[min(memory.failures, len(_RETRY_S) - 1)]
                memory.failures, memory.retry_at = memory.failures + 1, self.clock() + delay
                self.teller.failed(nic, step, error)
                return False
            memory.failures = 0
            self.teller.done(seen.pair, step)
        return bool(steps)

    def _steps(
        self, session: Session, loaded: LoadedObject | None, nic: Nic
    ) -> tuple[Seen, list[act.Action]]:
        memory = self._memory(nic.ifindex)
        memory.damper = memory.damper.decayed(self.clock())
        seen = observe(session, loaded, nic, self.config.options)
        if self.clock() < memory.retry_at:
            return seen, []
        settle_ms = self.config.settle_ms
        if settle_ms is None:
            joined = seen.pair.joined
            known = joined is not None and joined.settle_ms > 0
            settle_ms = int(joined.settle_ms) if joined is not None and known else DEFAULT_SETTLE_MS
        return seen, plan(seen.pair, Wanted(settle_ms, memory.damper.suppressed))

    def _synthetics(self, session: Session) -> list[Nic]:
        if self.config.interfaces:
            return [nic for nic in session.nics if nic.name in self.config.interfaces]
        attached = session.attached()
        found = find_synthetics(session.nics, any_bus=self.config.options.any_bus)
        extra = [nic for nic in session.nics if nic.ifindex in attached and nic not in found]
        return [*found, *extra]

    def _nudge(self, session: Session) -> float | None:
        """Let the kernel look at VFs that wait for their settle time.

        Without traffic nobody else asks it to.
        """
        wait = [memory.retry_at - self.clock() for memory in self.memory.values() if memory.failures]
        wait += [
            reuse for memory in self.memory.values() if (reuse := memory.damper.reuse_in_s(self.clock()))
        ]
        loaded = _opened(session)
        if loaded is not None:
            with loaded:
                wait += [self._look(session, loaded, nic) for nic in self._synthetics(session)]
        due = [max(0.01, seconds) for seconds in wait if seconds]
        return min(due) if due else None

    def _look(self, session: Session, loaded: LoadedObject, nic: Nic) -> float:
        """Return in how many seconds to ask again, 0 for not at all."""
        slot = find_pair_slot(loaded, nic.ifindex)
        vf = None if slot is None else session.nic(loaded.vf_ifindex(slot))
        if slot is None or vf is None or not (nic.up and vf.up and vf.carrier):
            return 0.0
        state = loaded.pair(slot)
        if state.armed or not state.permitted:
            return 0.0
        if loaded.control(ControlCommand.LOOK, slot) is ControlResult.VF:
            return 0.0
        return max(0.01, float(state.settle_ns) / 1e9 / 8)

    def _memory(self, ifindex: int) -> PairMemory:
        return self.memory.setdefault(ifindex, PairMemory(Damper(self.config.damping)))


def _opened(session: Session) -> LoadedObject | None:
    """Open what is loaded; None where nothing is, or where it is that of an earlier namespace."""
    if not session.pins.object.exists():
        return None
    loaded = LoadedObject(session.pins)
    if loaded.stale:
        loaded.close()
        return None
    return loaded
