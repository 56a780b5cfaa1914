# SPDX-License-Identifier: GPL-2.0-only
"""The manager process: claim, signals, systemd notification. Per-namespace managers do the work."""

import asyncio
import os
import signal
from collections.abc import Callable

from netvsc_bpf import __version__
from netvsc_bpf.kernel.bpf.bpffs import require_bpffs
from netvsc_bpf.kernel.bpf.pin_layout import BPFFS, ROOT_NAME
from netvsc_bpf.kernel.net.link_event_filter import EventFilter
from netvsc_bpf.kernel.net.link_watch import NetlinkWatch
from netvsc_bpf.kernel.net.multicast_watch import MembershipWatch
from netvsc_bpf.kernel.process.capabilities import CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, require
from netvsc_bpf.kernel.process.kernel_version import require_kernel
from netvsc_bpf.kernel.process.pin_root import require_access
from netvsc_bpf.manager.events import claim
from netvsc_bpf.manager.events.buffer import EventBuffer
from netvsc_bpf.manager.events.fan_out import tee
from netvsc_bpf.manager.events.kinds import MANAGER, Event, Kind
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.events.server import EventServer
from netvsc_bpf.manager.exporter import ManagerExporter
from netvsc_bpf.manager.maintenance.watcher import MaintenanceWatch
from netvsc_bpf.manager.namespaces.moved_nics import MovedNicCare
from netvsc_bpf.manager.namespaces.namespace_deleted import OwnNamespace
from netvsc_bpf.manager.namespaces.namespace_manager import NamespaceManager
from netvsc_bpf.manager.namespaces.namespace_managers import NamespaceManagers
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.refusals import refuse_what_attach_refuses, refusing
from netvsc_bpf.manager.reload import Reload, Reloader, nothing_to_read
from netvsc_bpf.manager.sd_notify import notify, watchdog_interval_s
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.manager.state.observation_scope import ObservationScope
from netvsc_bpf.model.severity import Severity

_STDERR = 2


class Manager:
    """Manages the pairs of this thread's network namespace until SIGTERM or SIGINT; SIGHUP calls `reload`."""

    def __init__(
        self,
        config: ManagerConfig,
        listener: Callable[[Event], None],
        reload: Reload = nothing_to_read,
        lost_lines: Callable[[], int] = lambda: 0,
        set_level: Callable[[Severity], None] = lambda _: None,
    ) -> None:
        """`lost_lines` returns how many lines of the log were lost; `set_level` sets its level on reload."""
        self._set_level = set_level
        self._buffer = EventBuffer(config.events_kept)
        buffered = tee(listener, self._buffer)
        self._exporter = ManagerExporter(config.metrics, buffered, lost_lines)
        self._config, self._listener = config, tee(buffered, self._exporter)
        self._reporter = Reporter(self._listener)
        self._unexpected = UnexpectedErrors(self._reporter)
        self._ready = self._interrupted = self._deleted = False
        self._namespace = OwnNamespace()
        self._moved_nics = MovedNicCare(config, self._listener)
        self._maintenance = MaintenanceWatch(
            config.maintenance,
            self._listener,
            self._exporter.stats,
            changed=self._wake,
            reconciled=self._look,
            fulfilled=lambda order: self._home.fulfils(order) and self._managers.fulfil(order),
            unexpected=self._unexpected.report,
        )
        self._managers = NamespaceManagers(
            config, self._listener, self._unexpected, self._exporter.stats, lambda: self._maintenance.order
        )
        self._filter = EventFilter()
        self._home = NamespaceManager(
            config,
            self._listener,
            self._reporter,
            self._unexpected,
            moved_nics=self._moved_nics,
            turned=self._turned,
            stats=self._exporter.stats,
            scope=ObservationScope(self._filter.take_newcomers, self._filter.update),
            order=lambda: self._maintenance.order,
        )
        self._reloader = Reloader(config, refusing(reload), self._configure, self._listener)

    def run(self) -> None:
        """Run until a signal ends it.

        The data path stays. Raises Busy, CannotHere, and Refused for interfaces that
        `attach` would refuse; KeyboardInterrupt if SIGINT ended it, NamespaceGone if the namespace was
        deleted. SIGHUP may be blocked: it is unblocked once it can be handled.
        """
        require_kernel("cannot manage")
        require("cannot manage", CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)
        require_bpffs()
        require_access("cannot manage", BPFFS / ROOT_NAME)
        refuse_what_attach_refuses(self._config)
        with claim.claim() as claimed:
            if claimed.stranger is not None:
                who = f"process {claimed.stranger.pid} of user {claimed.stranger.uid}"
                text = f"ignoring {who}, which uses the socket name of an earlier version's manager"
                self._listener(Event(Kind.REFUSED, MANAGER, text))
            self._listener(Event(Kind.STARTED, MANAGER, f"netvsc-bpf {__version__} manages {self._scope()}"))
            asyncio.run(self._run(claimed))
            if self._deleted:
                self._namespace.leave()
            how = "Ctrl-C" if self._interrupted else "a signal"
            self._listener(Event(Kind.STOPPED, MANAGER, f"stopped by {how}; the data path stays"))
        if self._interrupted:
            raise KeyboardInterrupt

    async def _run(self, claimed: claim.Claim) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(
            lambda _, what: self._unexpected.report(what.get("exception") or what["message"])
        )
        stopping = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stopping.set)
        loop.add_signal_handler(signal.SIGINT, self._interrupt, stopping)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up, os.isatty(_STDERR), stopping)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        netlink = NetlinkWatch(
            loop,
            self._home.wake,
            self._reporter.timing.arrivals.changed,
            self._filter.judge,
            self._filter.request_full_scan,
        )
        memberships = MembershipWatch(loop, self._home.wake, concerns=self._filter.concerns)
        tasks = [loop.create_task(self._home.run()), loop.create_task(stopping.wait())]
        tasks.append(loop.create_task(self._unexpected.keep_running(self._reloader.run)))
        tasks.append(loop.create_task(self._unexpected.keep_running(lambda: self._until_deleted(stopping))))
        tasks.append(loop.create_task(self._unexpected.keep_running(self._maintenance.run)))
        server = EventServer(
            self._buffer,
            self._home.held_back,
            self._look,
            probes=self._home.probes,
            forgive=self._home.forgive,
        )
        tasks.append(loop.create_task(self._unexpected.keep_running(lambda: server.run(claimed.socket))))
        if (interval := watchdog_interval_s()) is not None:
            tasks.append(loop.create_task(_keep_alive(interval)))
        self._exporter.start()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            notify("STOPPING=1")
            self._exporter.close()
            for task in tasks:
                task.cancel()
            netlink.close()
            memberships.close()
            self._managers.close()

    def _scope(self) -> str:
        return ", ".join(self._config.interfaces) or "every synthetic NIC"

    def _wake(self) -> None:
        self._home.wake()
        self._managers.wake()

    async def _look(self) -> None:
        await asyncio.gather(self._home.reconcile_now(), self._managers.reconcile_now())

    async def _until_deleted(self, stopping: asyncio.Event) -> None:
        await self._namespace.deleted()
        text = f"network namespace {self._namespace.name} was deleted: detaching its pairs and exiting"
        self._listener(Event(Kind.FAILED, MANAGER, text))
        self._deleted = True
        stopping.set()

    def _interrupt(self, stopping: asyncio.Event) -> None:
        self._interrupted = True
        stopping.set()

    def _hung_up(self, on_terminal: bool, stopping: asyncio.Event) -> None:
        """Handle the two meanings of SIGHUP: reload, or the terminal was closed."""
        if on_terminal and not os.isatty(_STDERR):
            stopping.set()
        else:
            self._reloader.ask()

    def _configure(self, config: ManagerConfig) -> None:
        self._config = config
        self._set_level(config.log.level)
        self._home.configure(config)
        self._managers.configure(config)
        self._maintenance.configure(config.maintenance)

    def _turned(self) -> None:
        if not self._ready:
            notify("READY=1")
            self._ready = True
            self._listener(Event(Kind.READY, MANAGER, _ready_text(self._home.pairs, self._home.attached)))
        self._managers.follow(self._moved_nics.places, self._home.wake)


def _ready_text(pairs: int, attached: int) -> str:
    if not pairs:
        return "no synthetic NIC is here yet; it is managed as soon as it appears"
    managed = f"{pairs} {'pair is' if pairs == 1 else 'pairs are'} managed"
    missing = pairs - attached
    if not missing:
        return managed
    return f"{managed}, of which {missing} {'is' if missing == 1 else 'are'} not attached yet: see above"


async def _keep_alive(interval_s: float) -> None:
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval_s)
