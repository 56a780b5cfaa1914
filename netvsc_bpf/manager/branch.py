# SPDX-License-Identifier: GPL-2.0-only
"""The part of a manager that looks after one network namespace: its loop, its threads, its pins.

Woken by netlink, pins, the kernel's path changes and timers; it never trusts a wake-up's contents.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as FilePath
from typing import Any

from netvsc_bpf.kernel import abi, netns
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.kernel.links import map_id
from netvsc_bpf.kernel.path_events import PathEventWatch
from netvsc_bpf.kernel.pin_watch import PinWatch
from netvsc_bpf.kernel.pins import attached_ifindexes
from netvsc_bpf.manager import bugs
from netvsc_bpf.manager.announcer import Announcer
from netvsc_bpf.manager.bugs import Bugs
from netvsc_bpf.manager.config import ManagerConfig
from netvsc_bpf.manager.events import Event
from netvsc_bpf.manager.hanging import Hanging
from netvsc_bpf.manager.last_changes import last_changes
from netvsc_bpf.manager.link_watch import LinkWatch
from netvsc_bpf.manager.lists import ListFollower
from netvsc_bpf.manager.reconcile import Reconciler
from netvsc_bpf.manager.stall_watch import StallWatch
from netvsc_bpf.manager.tell import Teller
from netvsc_bpf.manager.vlans import VlanFollower
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.path import Path
from netvsc_bpf.planner.damping import FAILURES
from netvsc_bpf.planner.stall import SILENT, Stall

_QUIET_S = 0.002
"""Events come in bursts: a VF that appears is told three times within a millisecond."""


class Branch:
    """Manages the pairs of this thread's network namespace; `turned` is called after each turn."""

    def __init__(
        self,
        config: ManagerConfig,
        listener: Callable[[Event], None],
        teller: Teller,
        bugs: Bugs,
        turned: Callable[[], None] = lambda: None,
        stats: ManagerStats | None = None,
    ) -> None:
        self._config, self._teller, self._bugs, self._turned = config, teller, bugs, turned
        self._stats = stats or ManagerStats()
        self._reconcile = Reconciler(config, teller, self._stats)
        self._pins = NetnsPins(netns.current_inode())
        self._woken = asyncio.Event()
        self._lists = ListFollower(config.interfaces, listener, self._reconcile.running)
        self._vlans = VlanFollower(config.interfaces, listener, self._reconcile.running)
        self._hanging = Hanging(self._reconcile, self.wake)
        self._stalls = StallWatch(self._reconcile, listener)
        self._announcer = Announcer(config.announce, config.interfaces, listener)
        self._links = LinkWatch(self._pins, self.wake)
        self._ring: PathEventWatch | None = None

    def wake(self) -> None:
        """Look at everything soon."""
        self._woken.set()

    def configure(self, config: ManagerConfig) -> None:
        """Go on by another configuration; the data path is left alone as far as it fits."""
        self._config = config
        self._reconcile.configure(config)
        self._lists.names = self._vlans.names = config.interfaces
        self._announcer.configure(config.announce, config.interfaces)
        self.wake()

    async def run(self) -> None:
        """Manage until cancelled; the data path stays."""
        loop = asyncio.get_running_loop()
        pins = PinWatch(loop, self.wake)
        # One thread: reconciliations never overlap, and a driver that hangs does not stop the loop.
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reconcile")
        beside = [
            loop.create_task(self._bugs.kept_going(run))
            for run in (self._announcer.run, self._stalls.run, self._links.run)
        ]
        try:
            await self._loop(loop, thread, pins)
        finally:
            for task in beside:
                task.cancel()
            pins.close()
            self._close_ring()
            thread.shutdown(wait=False, cancel_futures=True)

    async def _loop(
        self, loop: asyncio.AbstractEventLoop, thread: ThreadPoolExecutor, pins: PinWatch
    ) -> None:
        while True:
            self._woken.clear()
            again = await self._turn(loop, thread, pins)
            self._turned()
            wait = self._config.interval_s if again is None else min(again, self._config.interval_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), wait)
                await asyncio.sleep(_QUIET_S)

    async def _turn(
        self, loop: asyncio.AbstractEventLoop, thread: ThreadPoolExecutor, pins: PinWatch
    ) -> float | None:
        """Reconcile once and listen to what is there then; return when to do so again.

        Whatever goes wrong is told and tried again: a manager that ended would help nobody.
        """
        try:
            job: asyncio.Future[Any] = loop.run_in_executor(thread, self._stats.timed, self._reconcile)
            again: float | None = await self._hanging.wait(job)
            self._announcer.wake()
            await self._hanging.wait(loop.run_in_executor(thread, self._lists))
            await self._hanging.wait(loop.run_in_executor(thread, self._vlans))
            self._follow_ring(loop)
            self._links.follow()
            if pins.follow(self._folders()):
                # What went between the look and the watch was not told.
                self._woken.set()
        except NetvscBpfError as error:
            self._teller.trouble(error)
            return bugs.TROUBLE_S
        except Exception as error:
            self._bugs.tell(error)
            # Whoever wakes us: it may be our own steps that did, and the next turn would end the same way.
            await asyncio.sleep(bugs.TROUBLE_S)
            return 0.0
        self._teller.trouble(None)
        return again

    def _switched(self, event: abi.PathEvent) -> None:
        reason, ifindex, when = abi.REASONS[event.reason], event.synthetic_ifindex, event.at / 1e9
        if abi.PATHS[event.to] is Path.SYNTHETIC and reason in FAILURES:
            self._reconcile.path_left(ifindex, when)
            if reason in SILENT:
                self._reconcile.stalled(Stall(ifindex, event.vf_ifindex, when, SILENT[reason], reason))
        self._teller.switched(event)
        self._announcer.wake()
        self._woken.set()

    def _follow_ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the ring buffer that is pinned now: detach and attach put another one there."""
        path = self._pins.map("path_events")
        current = map_id(path)
        if self._ring is not None and self._ring.map_id != current:
            self._close_ring()
        if self._ring is None and current is not None:
            # It may go in this very moment.
            with contextlib.suppress(FileNotFoundError):
                self._ring = PathEventWatch(loop, path, self._switched)
                # For how long each pair has been on its path: the ring tells of what comes.
                for last in last_changes(self._pins):
                    self._teller.timing.last_change(last.synthetic_ifindex, last.at)
                self._ring.consume()

    def _close_ring(self) -> None:
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def _folders(self) -> set[FilePath]:
        attached = {self._pins.pair(ifindex) for ifindex in attached_ifindexes(self._pins)}
        return {*attached, self._pins.home, self._pins.sentinel} if attached else set()
