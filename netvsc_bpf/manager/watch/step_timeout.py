# SPDX-License-Identifier: GPL-2.0-only
"""What is done while a step hangs because a driver does not return from a system call.

The call cannot be cancelled: it blocks in the kernel, usually with RTNL held, and this process holds the
writer lock. So nothing here needs either. The pair is moved to the synthetic path by BPF_PROG_TEST_RUN; the
others are handled as far as possible: a VF that may return is checked, one that is damped or stalled is
withdrawn. What needs netlink waits: joining, syncing, repairing.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi, pins
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.link_state import is_running
from netvsc_bpf.manager.reconcile.current_step import StepInProgress
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.manager.state.in_namespace import InNamespace
from netvsc_bpf.model.path import Liveness, Reason

_LOOK_S = 0.25
"""How often the other pairs are checked while a step hangs."""

T = TypeVar("T")


class StepTimeout:
    """Waits for jobs that take steps, and acts while a step does not return in time."""

    def __init__(self, reconciler: Reconciler, wake: Callable[[], None], namespace: InNamespace) -> None:
        self._reconciler, self._wake = reconciler, wake
        self._namespace, self._pins = namespace, namespace.pins
        self._known: StepInProgress | None = None
        """The last step that was given up."""

    @property
    def _limit_s(self) -> float:
        return self._reconciler.config.step_limit_s

    async def wait(self, job: "asyncio.Future[T]") -> T:
        """Return the job's result, however long it takes: two jobs must not overlap."""
        running, reporter = self._reconciler.running, self._reconciler.reporter
        running.lives()
        # A thread of its own for each job: if it hangs too, the end of the job is still noticed.
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="step-timeout")
        helping: asyncio.Future[None] | None = None
        try:
            while not (await asyncio.wait({job}, timeout=min(_LOOK_S, self._limit_s)))[0]:
                if helping is not None and helping.done():
                    if (error := helping.exception()) is not None:
                        reporter.trouble(str(error) or repr(error))
                    helping = None
                step = running.overdue(self._limit_s)
                if step is not None and helping is None:
                    helping = asyncio.get_running_loop().run_in_executor(thread, self._help, step)
                elif running.lost(self._limit_s):
                    reporter.trouble(
                        f"no progress for {self._limit_s:g} s: a driver may hang, or the machine is slow"
                    )
            if helping is not None:
                # It may have changed something after the job last observed the pairs.
                helping.add_done_callback(lambda _: self._wake())
            return job.result()
        finally:
            thread.shutdown(wait=False)

    def _help(self, step: StepInProgress) -> None:
        new = step is not self._known
        if new:
            # Do this first: steps planned together with it must not be taken if it returns now.
            self._reconciler.running.give_up(step)
            self._known = step
        what = "cannot act while a step hangs"
        failure: Exception | None = None
        with self._namespace.entered(), changing(what), opened(self._pins) as loaded:
            for pair in pins.attached_ifindexes(self._pins) if loaded is not None else ():
                slot = None if loaded is None else find_pair_slot(loaded, pair)
                if loaded is None or slot is None:
                    continue
                try:
                    if pair != step.action.ifindex:
                        self._serve(loaded, pair, slot)
                    elif new:
                        _withdraw(loaded, slot, Reason.STALLED)
                except Exception as error:  # raised once every pair has been served
                    failure = error
        if new:
            self._reconciler.reporter.timed_out(step.action, self._limit_s)
        if failure is not None:
            raise failure

    def _serve(self, loaded: LoadedObject, pair: int, slot: int) -> None:
        """Decide for another pair what can be decided without netlink."""
        if pair not in self._reconciler.memories:
            return
        state, vf = loaded.pair(slot), loaded.vf_ifindex(slot)
        why = self._reconciler.memories.why_held_back(pair, vf)
        if state.permitted and why is not None:
            _withdraw(loaded, slot, why)
        elif loaded.liveness is Liveness.NETLINK:
            # Nothing else would detect its failure. Arming it again needs an observation, and waits.
            if state.armed and not (vf is not None and is_running(vf)):
                loaded.control(ControlCommand.DISARM, slot, abi.REASONS.index(Reason.VF_DOWN))
        elif state.permitted and not state.armed:
            loaded.control(ControlCommand.CHECK, slot)


def _withdraw(loaded: LoadedObject, slot: int, reason: Reason) -> None:
    loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(reason))
