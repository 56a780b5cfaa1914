# SPDX-License-Identifier: GPL-2.0-only
"""The manager of one network namespace: its loop, its threads, its pins.

It is woken by netlink, pins, the kernel's path changes and timers, and always reads the state anew.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.links import map_id
from netvsc_bpf.kernel.bpf.path_events import PathEventWatch
from netvsc_bpf.kernel.bpf.pin_watch import PinWatch
from netvsc_bpf.kernel.bpf.pins import attached_ifindexes
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from netvsc_bpf.manager.events.kinds import Event
from netvsc_bpf.manager.events.last_changes import last_changes
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.maintenance.drains import MaintenanceDrains
from netvsc_bpf.manager.maintenance.notice import Order
from netvsc_bpf.manager.namespaces.deferrable_work import DeferrableWork
from netvsc_bpf.manager.namespaces.moved_nics import MovedNicCare
from netvsc_bpf.manager.reconcile import unexpected_errors
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.attached_pairs import Served, everyone
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.manager.state.in_namespace import InNamespace
from netvsc_bpf.manager.state.observation_scope import ObservationScope
from netvsc_bpf.manager.state.probe_states import ProbeStates
from netvsc_bpf.manager.sync.address_lists import AddressListSync
from netvsc_bpf.manager.sync.announcer import Announcer
from netvsc_bpf.manager.sync.receive_offloads import OffloadSync
from netvsc_bpf.manager.sync.vlans import VlanSync
from netvsc_bpf.manager.watch.attachment_looks import AttachmentLooks
from netvsc_bpf.manager.watch.detached_links import LinkWatch
from netvsc_bpf.manager.watch.probes import ProbeWatch
from netvsc_bpf.manager.watch.program_order import OrderWatch
from netvsc_bpf.manager.watch.stalls import StallWatch
from netvsc_bpf.manager.watch.step_timeout import StepTimeout
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.model.errors import NamespaceGone, NetvscBpfError
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.model.probe import Probe
from netvsc_bpf.model.severity import Severity
from netvsc_bpf.planner.damping import FAILURES
from netvsc_bpf.planner.stall import HOLD_REASONS, Stall

_QUIET_S = 0.0005
"""Events come in bursts, which are collected for this long: short, since a VF may be waiting meanwhile."""


@dataclass(frozen=True, slots=True)
class OtherNamespace:
    """A namespace that is not the manager's own, and the manager's own one (`home`)."""

    place: NetnsHandle
    home: NetnsHandle


class NamespaceManager:
    """Manages the pairs of one network namespace: the manager's own, or an `other` one.

    `moved_nics`, for the own one only, manages NICs that left it; `turned` is called after each turn. `scope`
    decides which interfaces are observed; `order` returns what maintenance demands.
    """

    def __init__(
        self,
        config: ManagerConfig,
        listener: Callable[[Event], None],
        reporter: Reporter,
        unexpected: UnexpectedErrors,
        *,
        other: OtherNamespace | None = None,
        moved_nics: MovedNicCare | None = None,
        turned: Callable[[], None] = lambda: None,
        stats: ManagerStats | None = None,
        scope: ObservationScope | None = None,
        order: Callable[[], Order] = Order,
    ) -> None:
        self._config, self._reporter, self._unexpected, self._turned = config, reporter, unexpected, turned
        self._stats = stats or ManagerStats()
        self._other, self._moved_nics = other, moved_nics
        self._namespace = InNamespace() if other is None else InNamespace(other.place)
        self._reconcile = Reconciler(
            config,
            reporter,
            self._stats,
            unexpected=unexpected,
            scope=scope or ObservationScope(),
            changed=self._pins_changed,
            home=None if other is None else other.home,
        )
        self._pins = self._namespace.pins
        self._woken = asyncio.Event()
        self._asked: list[asyncio.Future[None]] = []
        """Waiters for a turn that has not begun yet."""
        self._followed_at: float | None = None
        """When address lists, VLANs and offloads were synced last; None: they may have changed since."""
        self._repinned = True
        """The pins may have changed since they were last read."""
        # In another namespace all attached ones: their lists were synced by this manager before they moved.
        reconciler = self._reconcile
        self._deferrable = DeferrableWork(self._woken.is_set, reconciler.steps_at)
        managed: Served = (lambda: reconciler.served) if other is None else everyone
        self._lists = AddressListSync(managed, listener, self._reconcile.running, unexpected)
        self._vlans = VlanSync(managed, listener, self._reconcile.running, unexpected)
        self._offloads = OffloadSync(managed, listener, reporter.warned, self._reconcile.running, unexpected)
        self._maintenance = MaintenanceDrains(
            order, lambda: reconciler.served, reporter, listener, unexpected
        )
        self._step_timeout = StepTimeout(self._reconcile, self.wake, self._namespace)
        self._stalls = StallWatch(self._reconcile, listener, self._namespace, unexpected)
        self._probe_states = ProbeStates(self._stats)
        self._probes = ProbeWatch(
            reconciler, listener, self._probe_states, self.wake, self._namespace, unexpected
        )
        near = reconciler.scope
        self._announcer = Announcer(
            config.announce,
            managed,
            listener,
            self._namespace,
            unexpected,
            near=lambda: near.members,
            claiming=lambda: reconciler.claiming,
        )
        self._links = LinkWatch(self._pins, self.wake)
        self._order = OrderWatch(self._pins, self.wake, self._namespace)
        self._ring: PathEventWatch | None = None

    def wake(self) -> None:
        """Reconcile soon, including the address lists, VLANs and receive offloads of VFs."""
        self._followed_at = None
        self._woken.set()

    async def reconcile_now(self) -> None:
        """Reconcile now; return once a turn that begins after this call has ended."""
        turned = asyncio.get_running_loop().create_future()
        self._asked.append(turned)
        self.wake()
        await turned

    def fulfils(self, order: Order) -> bool:
        """Return whether all pairs fulfil this order of maintenance."""
        return self._maintenance.done == order

    def held_back(self) -> dict[int, float]:
        """See PairMemories.held_back()."""
        return self._reconcile.memories.held_back()

    def probes(self) -> Mapping[int, Probe]:
        """Return what the probe found, by the ifindex of the synthetic NIC."""
        return self._probe_states.now()

    def forgive(self, ifindex: int) -> None:
        """Forget the failures of the VF of a pair; the next reconciliation acts upon it."""
        self._reconcile.memories.forgiven(ifindex)

    def configure(self, config: ManagerConfig) -> None:
        """Apply another configuration; the data path is left unchanged as far as it matches."""
        self._config = config
        self._reconcile.configure(config)
        self._announcer.configure(config.announce)
        if self._moved_nics is not None:
            self._moved_nics.config = config
        self.wake()

    def _unpinned(self) -> None:
        self._pins_changed()
        self.wake()

    def _pins_changed(self) -> None:
        self._repinned = True

    async def run(self) -> None:
        """Manage until cancelled; the data path stays."""
        loop = asyncio.get_running_loop()
        pins = PinWatch(loop, self._unpinned)
        # One thread: reconciliations never overlap, and a driver that hangs does not stop the loop.
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reconcile")
        beside = [loop.create_task(self._unexpected.keep_running(run)) for run in self._beside()]
        try:
            await self._loop(loop, thread, pins)
        finally:
            for task in beside:
                task.cancel()
            for waiter in self._asked:
                waiter.cancel()
            pins.close()
            self._close_ring()
            thread.shutdown(wait=False, cancel_futures=True)

    def _beside(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """Return what runs beside the reconciliations."""
        return (
            self._announcer.run,
            self._stalls.run,
            self._probes.run,
            AttachmentLooks((self._links, self._order), self._namespace.beat).run,
        )

    async def _loop(
        self, loop: asyncio.AbstractEventLoop, thread: ThreadPoolExecutor, pins: PinWatch
    ) -> None:
        while True:
            self._woken.clear()
            asked, self._asked = self._asked, []
            at = await self._turn(loop, thread, pins)
            self._turned()
            for waiter in asked:
                if not waiter.done():  # the client may have disconnected
                    waiter.set_result(None)
            wait = self._config.interval_s
            self._deferrable.end_turn(loop.time())
            if at is not None:  # the rest of the turn has taken some of that time
                wait = min(max(0.0, at - loop.time()), wait)
            # Not asyncio.wait_for(): before Python 3.12 it loses a cancellation that comes with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()
                await asyncio.sleep(_QUIET_S)

    async def _turn(
        self, loop: asyncio.AbstractEventLoop, thread: ThreadPoolExecutor, pins: PinWatch
    ) -> float | None:
        """Reconcile once, then update the watches; return when (loop time) to do so again.

        Any error is reported and tried again later; the manager never ends because of one.
        """
        self._deferrable.begin_turn()
        try:
            at = await self._jobs(thread)
            self._follow_ring(loop)
            # Reading all pins takes a large part of the time of a join.
            if self._repinned and self._deferrable.is_time(loop.time()):
                self._links.follow()
                self._order.follow()
                if pins.follow(self._folders()):
                    # Pins removed between reading and watching gave no event.
                    self._woken.set()
                self._repinned = False
        except NamespaceGone:
            return (
                loop.time() + unexpected_errors.TROUBLE_S
            )  # NamespaceManagers closes this manager before that
        except NetvscBpfError as error:
            self._report(error)
            return loop.time() + unexpected_errors.TROUBLE_S
        except Exception as error:
            self._report(error)
            # Pause even if woken: this turn's steps may have caused it, and the next turn would fail too.
            await asyncio.sleep(unexpected_errors.TROUBLE_S)
            return loop.time()
        self._reporter.trouble(None)
        return at

    async def _jobs(self, thread: ThreadPoolExecutor) -> float | None:
        """Do all jobs of a turn, even if one fails; raise the last error at the end.

        Return when (loop time) to reconcile again.
        """
        loop = asyncio.get_running_loop()
        at: float | None = None
        failure: Exception | None = None
        for work in self._work():
            try:
                wait_s = await self._step_timeout.wait(self._job(thread, work))
            except NamespaceGone:
                raise
            except Exception as error:
                if failure is not None:
                    self._report(failure)
                failure = error
                self._followed_at = None
            else:
                if wait_s is not None:
                    at = min(loop.time() + wait_s, math.inf if at is None else at)
            if work == self._reconciled:
                self._announcer.wake()
                self._probes.configure()
        if failure is not None:
            raise failure
        return at

    def _work(self) -> Iterator[Callable[[], float | None]]:
        yield self._reconciled
        if self._is_to_follow():
            for job in (self._lists, self._vlans, self._offloads):
                if not self._deferrable.goes_on(asyncio.get_running_loop().time()):
                    self._followed_at = None
                    break
                yield job
        yield self._care_for_moved_nics
        yield self._maintenance

    def _is_to_follow(self) -> bool:
        """Return whether lists, VLANs and offloads are read now: not after a mere timer or path change."""
        now = asyncio.get_running_loop().time()
        if self._followed_at is not None and now - self._followed_at < self._config.interval_s:
            return False
        if not self._deferrable.is_time(now):
            return False
        self._followed_at = now
        return True

    def _reconciled(self) -> float | None:
        begun = CLOCKS.monotonic()
        wait_s = self._stats.timed(self._reconcile)
        if self._config.log.level is Severity.DEBUG:
            self._reporter.reconciled((CLOCKS.monotonic() - begun) / 1e9, wait_s)
        return wait_s

    @property
    def pairs(self) -> int:
        """The number of managed synthetic NICs when last observed."""
        return len(self._reconcile.served)

    @property
    def attached(self) -> int:
        """How many of them were attached then; one that is refused, or failed, is not."""
        return len(self._reconcile.served & self._reconcile.memories.attached())

    def _care_for_moved_nics(self) -> float | None:
        if self._moved_nics is None:
            return None
        self._moved_nics()
        return unexpected_errors.TROUBLE_S if self._moved_nics.troubled else None

    def _job(self, thread: ThreadPoolExecutor, work: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Start a job in this namespace; the thread is in it only while the job runs."""
        return asyncio.get_running_loop().run_in_executor(thread, self._namespace.call, work)

    def _report(self, error: Exception) -> None:
        if isinstance(error, NetvscBpfError):
            self._reporter.trouble(error)
        else:
            self._unexpected.report(error, reporter=self._reporter)

    def _switched(self, event: abi.PathEvent) -> None:
        try:
            self._announcer.at_once(event.synthetic_ifindex, event.at)  # first: switches send to the old port
            self._take_note(event)
        except Exception as error:  # events of other pairs follow
            self._report(error)
        self._announcer.wake()
        self._woken.set()

    def _take_note(self, event: abi.PathEvent) -> None:
        reason, ifindex = abi.REASONS[event.reason], event.synthetic_ifindex
        when = CLOCKS.own_monotonic_s(event.at)
        if abi.PATHS[event.to] is Path.VF:
            self._reconcile.memories.path_returned(ifindex, event.vf_ifindex)
        elif reason in FAILURES:
            if reason is not Reason.UNREACHABLE:  # the probe counts it once the VF is known to be at fault
                lost = reason is Reason.NO_CARRIER
                self._reconcile.memories.path_left(ifindex, event.vf_ifindex, when, link_lost=lost)
            if reason in HOLD_REASONS:
                self._reconcile.memories.stalled(
                    Stall(ifindex, event.vf_ifindex, when, HOLD_REASONS[reason], reason)
                )
        self._reporter.switched(event)

    def _follow_ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the ring buffer that is pinned now: detach and attach create another one."""
        path = self._pins.map("path_events")
        current = map_id(path)
        if self._ring is not None and self._ring.map_id != current:
            self._close_ring()
        if self._ring is None and current is not None:
            # It may be removed at any time.
            with contextlib.suppress(FileNotFoundError):
                self._ring = PathEventWatch(loop, path, self._switched)
                # Since when each pair is on its path: the ring has later changes only.
                for last in last_changes(self._pins):
                    self._reporter.timing.last_change(last.synthetic_ifindex, last.at)
                self._ring.consume()

    def _close_ring(self) -> None:
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def _folders(self) -> set[FilePath]:
        attached = {self._pins.pair(ifindex) for ifindex in attached_ifindexes(self._pins)}
        return {*attached, self._pins.home, self._pins.sentinel} if attached else set()
