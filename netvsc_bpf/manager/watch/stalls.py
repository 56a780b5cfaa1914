# SPDX-License-Identifier: GPL-2.0-only
"""Detecting stalled VFs (planner/stall.py), and moving their pairs to the synthetic path at once.

Only pairs whose path is the VF are checked: first steer's counter, and only if that grew the VF's own. It
uses neither netlink nor locks, in a thread of its own, so that it works while a driver hangs.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi, pins
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.net.device_counters import transmitted
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.manager.events.kinds import MANAGER, Event, Kind
from netvsc_bpf.manager.reconcile.pair_boundary import PairBoundary
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.in_namespace import InNamespace
from netvsc_bpf.manager.watch.open_object import OpenObject
from netvsc_bpf.model.errors import NamespaceGone, NetvscBpfError
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.planner.stall import Stall, StallPolicy, Standstill

_WHAT = "cannot watch for stalled VFs"


@dataclass(frozen=True, slots=True)
class _InUse:
    """A pair whose path is the VF."""

    slot: int
    vf: int
    changed_at: int
    redirected: int


class StallWatch:
    """Watches the managed pairs of one network namespace."""

    def __init__(
        self,
        reconciler: Reconciler,
        listener: Callable[[Event], None],
        namespace: InNamespace | None = None,
        unexpected: UnexpectedErrors | None = None,
    ) -> None:
        self._reconciler, self._listener = reconciler, listener
        self._boundary = PairBoundary(_WHAT, listener, unexpected)
        self._namespace = namespace or InNamespace()
        self._pins = self._namespace.pins
        self._still: dict[int, Standstill] = {}
        self._kept = OpenObject(self._pins)
        self._complained = ""

    @property
    def _policy(self) -> StallPolicy:
        return self._reconciler.config.stall

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stall")
        pause_s = self._policy.interval_s
        try:
            while True:
                await asyncio.sleep(self._namespace.beat.wait_s(loop.time(), pause_s))
                if not self._policy.enabled:
                    continue
                try:
                    moving = await loop.run_in_executor(thread, self.look)
                    pause_s = self._policy.pause_s(pause_s, moving=moving)
                except NamespaceGone:
                    continue
                except NetvscBpfError as error:
                    self._report(str(error))
        finally:
            thread.submit(self._kept.close)
            thread.shutdown(wait=False)

    def _report(self, text: str) -> None:
        if text != self._complained:
            self._complained = text
            self._listener(Event(Kind.FAILED, MANAGER, text))

    def look(self) -> bool:
        """Check once, and withdraw stalled VFs; return whether any packets are being redirected."""
        with self._namespace.entered(), changing(_WHAT):
            loaded = self._kept.current()
            if loaded is None:
                self._still.clear()
                return False
            now = self._in_use(loaded)
            self._still = {pair: still for pair, still in self._still.items() if pair in now}
            owing = {pair: use for pair, use in now.items() if self._owes_a_look(pair, use)}
            self._judge(loaded, owing)
            return bool(owing)

    def _in_use(self, loaded: LoadedObject) -> dict[int, _InUse]:
        found = {}
        for pair in filter(self._reconciler.memories.__contains__, pins.attached_ifindexes(self._pins)):
            with self._around(pair, "look"):
                use = _use(loaded, pair)
                if use is not None:
                    found[pair] = use
        return found

    def _around(self, pair: int, stage: str) -> AbstractContextManager[None]:
        return self._boundary.around(self._reconciler.reporter.name(pair), stage)

    def _owes_a_look(self, pair: int, use: _InUse) -> bool:
        still = self._still.get(pair)
        if still is None or not still.concerns(use.vf, use.changed_at, use.redirected):
            self._still.pop(pair, None)
            return True
        return not still.idle(use.redirected, self._policy)

    def _judge(self, loaded: LoadedObject, uses: dict[int, _InUse]) -> None:
        counts = transmitted({use.vf for use in uses.values()}) if uses else {}
        for pair, use in uses.items():
            if use.vf in counts:
                with self._around(pair, "judge"):
                    self._judge_one(loaded, pair, use, counts[use.vf])

    def _judge_one(self, loaded: LoadedObject, pair: int, use: _InUse, sent: int) -> None:
        still = self._still.get(pair)
        if still is None:
            self._still[pair] = Standstill.start(use.vf, use.changed_at, use.redirected, sent)
            return
        still = self._still[pair] = still.observed(use.redirected, sent, self._policy)
        if still.stalled(self._policy):
            del self._still[pair]
            why = f"transmitted none of {still.untransmitted} packets, though it is up and has carrier"
            # Record it before the permission is withdrawn, so that it is not given again at once.
            self._reconciler.memories.stalled(Stall(pair, use.vf, time.monotonic(), why))
            loaded.control(ControlCommand.WITHDRAW, use.slot, abi.REASONS.index(Reason.STALLED))


def _use(loaded: LoadedObject, pair: int) -> _InUse | None:
    slot = find_pair_slot(loaded, pair)
    if slot is None:
        return None
    state, vf = loaded.pair(slot), loaded.vf_ifindex(slot)
    if not state.armed or vf is None:
        return None
    redirected = loaded.counters(slot).tx[abi.PATHS.index(Path.VF)].packets
    return _InUse(slot, vf, state.changed_at, redirected)
