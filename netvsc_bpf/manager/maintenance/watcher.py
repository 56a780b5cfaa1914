# SPDX-License-Identifier: GPL-2.0-only
"""Reads the sources of maintenance notices, decides what is due, and acknowledges events.

Each source has its own task, so that one that is slow, or whose answers cause an unexpected error, does not
hold up another. Nothing here blocks the loop, and no answer of a source can do more than drain pairs or
undrain what was drained for maintenance.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.events.kinds import Event
from netvsc_bpf.manager.maintenance.azure import AzureEvents
from netvsc_bpf.manager.maintenance.event_file import EventFile
from netvsc_bpf.manager.maintenance.ledger import Ledger, News, Now
from netvsc_bpf.manager.maintenance.news import SourceHealth, acknowledged_event, news_event
from netvsc_bpf.manager.maintenance.notice import Key, NoticeSource, Order, Source
from netvsc_bpf.manager.state.maintenance_policy import MaintenancePolicy
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.model.drain import LINGER_S
from netvsc_bpf.model.errors import NoticesUnavailable

_RETRY_MOST_S = 10.0
"""A source that fails is read less and less often, down to this."""
_TICK_S = 1.0
_DRAINING_S = 30.0
"""How long to wait for the pairs before an event is acknowledged; the next reading tries again."""


def _now() -> Now:
    return Now(CLOCKS.boottime() / 1e9, datetime.now(UTC))


class MaintenanceWatch:
    """Watches the sources of the policy. `order` is what the managers of all namespaces have to do.

    `changed` is called when the order is another one; `reconciled` returns once all of them have taken a
    turn, `fulfilled` whether all pairs fulfil an order. `unexpected` reports an unexpected error.
    """

    def __init__(
        self,
        policy: MaintenancePolicy,
        listener: Callable[[Event], None],
        stats: ManagerStats,
        changed: Callable[[], None],
        reconciled: Callable[[], Awaitable[None]],
        fulfilled: Callable[[Order], bool],
        unexpected: Callable[[Exception], None],
        now: Callable[[], Now] = _now,
    ) -> None:
        self._policy = self._wanted = policy
        self._listener, self._stats, self._now = listener, stats, now
        self._changed, self._reconciled, self._fulfilled = changed, reconciled, fulfilled
        self._unexpected = unexpected
        self._ledger, self._health = Ledger(), SourceHealth()
        self._acknowledged: set[Key] = set()
        self._reconfigured = asyncio.Event()
        self.order = Order(certain=not self._sources)

    def configure(self, policy: MaintenancePolicy) -> None:
        """Apply another policy soon."""
        self._wanted = policy
        self._reconfigured.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._reconfigured.clear()
            self._apply_policy()
            azure = AzureEvents(self._policy.endpoint) if self._policy.azure else None
            file = None if self._policy.file is None else EventFile(self._policy.file)
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._tick())]
                    if azure is not None:
                        tasks.append(group.create_task(self._follow(azure, azure)))
                    if file is not None:
                        tasks.append(group.create_task(self._follow(file)))
                    await self._reconfigured.wait()
                    for task in tasks:
                        task.cancel()
            finally:
                if file is not None:
                    file.close()

    @property
    def _sources(self) -> tuple[Source, ...]:
        found = [Source.AZURE] if self._policy.azure else []
        return (*found, Source.FILE) if self._policy.file is not None else tuple(found)

    async def _tick(self) -> None:
        """Decide anew as time passes, also while a source does not answer."""
        while True:
            self._decide()
            if not self._sources:
                return
            await asyncio.sleep(_TICK_S)

    async def _follow(self, source: NoticeSource, acknowledges: AzureEvents | None = None) -> None:
        pause_s = self._policy.interval_s
        while True:
            if await self._is_read(source, acknowledges):
                pause_s = self._policy.interval_s
            else:
                pause_s = min(2 * pause_s, max(_RETRY_MOST_S, self._policy.interval_s))
            self._decide()
            await asyncio.sleep(pause_s)

    async def _is_read(self, source: NoticeSource, acknowledges: AzureEvents | None) -> bool:
        """Read a source once; return whether nothing failed."""
        try:
            self._take(source.source, self._ledger.answered(source.source, await source.read(), self._now()))
            if acknowledges is not None:
                await self._acknowledge(acknowledges)
        except NoticesUnavailable as error:
            if (event := self._health.fails(source.source, error)) is not None:
                self._listener(event)
            return False
        except Exception as error:
            if self._health.is_new(source.source, error):
                self._unexpected(error)
            return False
        return True

    def _take(self, source: Source, news: list[News]) -> None:
        self._health.works(source, self._now().boot_s)
        self._report(news)
        self._decide()

    def _decide(self) -> None:
        now = self._now()
        self._report(self._ledger.drop_lost(now))
        order = self._ledger.order(self._sources, now, self._policy.lead_s, self.order)
        self._acknowledged &= {one.key for one in self._ledger.notices}
        self._stats.maintenance(len(self._ledger.notices), self._health.working(self._sources))
        if order != self.order:
            self.order = order
            self._changed()

    async def _acknowledge(self, azure: AzureEvents) -> None:
        """Acknowledge the events that are due and have not started, once all pairs are drained for them."""
        order = self.order
        ready = [
            one
            for one in self._ledger.notices
            if one.key.source is Source.AZURE
            and one.key in order.due - self._acknowledged
            and not one.started
        ]
        if not (self._policy.acknowledge and ready and await self._are_drained(order)):
            return
        await azure.acknowledge(one.key.id for one in ready)
        for one in ready:
            self._acknowledged.add(one.key)
            self._listener(acknowledged_event(one))

    async def _are_drained(self, order: Order) -> bool:
        """Return whether both directions have left the VFs: as `drain` waits for it."""
        try:
            async with asyncio.timeout(_DRAINING_S):
                await self._reconciled()
                await asyncio.sleep(LINGER_S)
                await self._reconciled()
        except TimeoutError:
            return False
        return self._fulfilled(order)

    def _apply_policy(self) -> None:
        """Take over the policy while no source is read; forget sources that are read elsewhere now."""
        before, policy = self._policy, self._wanted
        self._policy = policy
        if (before.azure, before.endpoint) != (policy.azure, policy.endpoint):
            self._forget(Source.AZURE)
        if before.file != policy.file:
            self._forget(Source.FILE)

    def _forget(self, source: Source) -> None:
        self._ledger.forget(source)
        self._health.forget(source)

    def _report(self, news: list[News]) -> None:
        for one in news:
            self._listener(news_event(one, self._policy.lead_s))
