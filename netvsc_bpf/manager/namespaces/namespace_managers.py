# SPDX-License-Identifier: GPL-2.0-only
"""The managers of other network namespaces: one for each that a managed NIC moved to."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from netvsc_bpf.kernel.net.all_nsid_watch import AllNsidWatch
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from netvsc_bpf.manager.events.kinds import MANAGER, Detail, Event, Kind
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.maintenance.notice import Order
from netvsc_bpf.manager.namespaces.namespace_manager import NamespaceManager, OtherNamespace
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.metrics.manager_stats import ManagerStats


class NamespaceManagers:
    """Starts and ends them as needed, and wakes the one whose namespace changed."""

    def __init__(
        self,
        config: ManagerConfig,
        listener: Callable[[Event], None],
        unexpected: UnexpectedErrors,
        stats: ManagerStats,
        order: Callable[[], Order] = Order,
    ) -> None:
        self._config, self._listener, self._unexpected, self._stats = config, listener, unexpected, stats
        self._order = order
        self._home = NetnsHandle.here()
        self._open: dict[NetnsHandle, tuple[NamespaceManager, asyncio.Task[None]]] = {}
        self._numbers: dict[int, NetnsHandle] = {}
        self._watch: AllNsidWatch | None = None
        self._deaf = ""

    def follow(self, places: Mapping[NetnsHandle, int], wake_home: Callable[[], None]) -> None:
        """Run a manager for each of these namespaces (with its nsid), and for no other."""
        for gone in self._open.keys() - places.keys():
            self._open.pop(gone)[1].cancel()
        self._numbers = {number: place for place, number in places.items()}
        if places and self._watch is None:
            self._listen(wake_home)
        for place in places.keys() - self._open.keys():
            self._open[place] = self._opened(place)
        if not places:
            self._close_watch()

    def configure(self, config: ManagerConfig) -> None:
        """Apply another configuration."""
        self._config = config
        for manager, _ in self._open.values():
            manager.configure(config)

    def wake(self) -> None:
        """Have each of them reconcile soon."""
        for manager, _ in self._open.values():
            manager.wake()

    def fulfil(self, order: Order) -> bool:
        """Return whether all of them fulfil this order of maintenance."""
        return all(manager.fulfils(order) for manager, _ in self._open.values())

    async def reconcile_now(self) -> None:
        """Have each of them reconcile; return when they have, or were closed."""
        looks = [asyncio.ensure_future(manager.reconcile_now()) for manager, _ in self._open.values()]
        if looks:
            await asyncio.wait(looks)

    def close(self) -> None:
        """Close all of them; the data path stays."""
        self._close_watch()
        for _, task in self._open.values():
            task.cancel()
        self._open.clear()

    def _opened(self, place: NetnsHandle) -> tuple[NamespaceManager, asyncio.Task[None]]:
        name = place.name

        def listener(event: Event) -> None:
            self._listener(replace(event, details={**event.details, Detail.NETNS: name}))

        manager = NamespaceManager(
            self._config,
            listener,
            Reporter(listener),
            self._unexpected,
            other=OtherNamespace(place, self._home),
            stats=self._stats,
            order=self._order,
        )
        task = asyncio.get_running_loop().create_task(self._unexpected.keep_running(manager.run))
        return manager, task

    def _woken(self, nsid: int | None, wake_home: Callable[[], None]) -> None:
        if nsid is None:
            self.wake()
            wake_home()
        elif nsid in self._numbers and (known := self._open.get(self._numbers[nsid])) is not None:
            known[0].wake()
            wake_home()

    def _listen(self, wake_home: Callable[[], None]) -> None:
        try:
            self._watch = AllNsidWatch(asyncio.get_running_loop(), lambda nsid: self._woken(nsid, wake_home))
        except OSError as error:
            text = f"cannot watch other network namespaces: {error.strerror}; they are checked"
            if self._deaf != text:
                self._deaf = text
                self._listener(Event(Kind.FAILED, MANAGER, f"{text} every {self._config.interval_s:g} s"))

    def _close_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
