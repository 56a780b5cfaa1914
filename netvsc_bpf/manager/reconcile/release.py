# SPDX-License-Identifier: GPL-2.0-only
"""Pairs whose synthetic NIC is no longer here: releasing them, and following a NIC that moved."""

from collections.abc import Callable
from dataclasses import dataclass

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.bpf import pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.current_step import CurrentStep
from netvsc_bpf.manager.reconcile.executor import Executor
from netvsc_bpf.manager.reconcile.follow import depart
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.manager.state.pair_states import PairMemories
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.planner import actions as act


@dataclass(frozen=True, slots=True)
class PairRelease:
    """Releases them, one after the other."""

    memories: PairMemories
    running: CurrentStep
    reporter: Reporter
    clock: Callable[[], float]
    failed: Callable[[act.Action, NetvscBpfError, float], None]
    """Called with a failed step, its error, and when it began."""
    report: Callable[[Exception, str], None]
    """Called with an unexpected error, and the name of the interface."""
    last_name: Callable[[int], str | None]
    """Returns the last name of the managed NIC with that ifindex; None if it was not named."""

    def __call__(self, session: Session, config: ManagerConfig) -> None:
        """Release the pairs whose synthetic NIC is gone."""
        for step in orphans(session):
            begun = self.clock()
            try:
                with opened(session.pins) as loaded:
                    self._release(session, loaded, step, config, begun)
            except NetvscBpfError as error:
                self.failed(step, error, begun)
            except Exception as error:
                self.report(error, self.reporter.name(step.ifindex))
            else:
                self.reporter.done(None, step, None, self.clock() - begun)
            self.memories.forget(step.ifindex)
            self.reporter.forget(step.ifindex)

    def _release(
        self,
        session: Session,
        loaded: LoadedObject | None,
        step: act.Release,
        config: ManagerConfig,
        begun: float,
    ) -> None:
        if loaded is None:
            pins.remove_tree(session.pins, session.pins.pair(step.ifindex))
            return
        try:
            self._depart(session, loaded, step, config)
        except NetvscBpfError as error:
            self.failed(step, error, begun)
        with self.running.step(step):
            Executor(session, loaded, config.options).run(step)

    def _depart(
        self, session: Session, loaded: LoadedObject, step: act.Release, config: ManagerConfig
    ) -> None:
        """If the NIC only moved to another namespace, have it managed there."""
        before, name = self.memories.of(step.ifindex).before, self.last_name(step.ifindex)
        known = None if before is None else before.synthetic
        wanted = () if name is not None else config.interfaces
        departure = depart(session, loaded, step.ifindex, known, name, wanted)
        if departure is not None:
            self.reporter.moved(step.ifindex, name, departure.text, departure.netns)


def orphans(session: Session) -> list[act.Release]:
    """Return the steps that release the attached pairs whose synthetic NIC is gone."""
    return act.orphans(session.attached(), (nic.ifindex for nic in session.nics))
