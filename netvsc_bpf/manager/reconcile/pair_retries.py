# SPDX-License-Identifier: GPL-2.0-only
"""Errors of one pair are reported and retried with increasing delays, without affecting other pairs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.manager.events.kinds import MANAGER
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.pair_state import Retry
from netvsc_bpf.manager.state.pair_states import PairMemories
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.model.errors import NamespaceGone, NetvscBpfError
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.planner.actions import Action


@dataclass(slots=True)
class PairRetries:
    """The error boundary around each pair in a reconciliation. Times are seconds of `clock`."""

    what: str
    """What cannot be done, for the message."""
    memories: PairMemories
    reporter: Reporter
    stats: ManagerStats
    clock: Callable[[], float]
    unexpected: UnexpectedErrors | None = None
    """Counts unexpected errors; without it they are counted separately here."""
    _retries: dict[int, Retry] = field(default_factory=dict)
    """Pairs (ifindex) that raised in the last reconciliation: when the next error is reported again."""
    _broke: set[int] = field(default_factory=set)
    """Pairs that raised in this one."""

    def begin(self) -> None:
        """Begin a reconciliation."""
        self._broke.clear()

    def end(self, now: float) -> list[float]:
        """End a reconciliation; return in how many seconds to retry because of errors."""
        self._retries = {pair: retry for pair, retry in self._retries.items() if pair in self._broke}
        return [retry.at - now for retry in self._retries.values()]

    @contextmanager
    def around(self, nic: Nic) -> Iterator[None]:
        """Report errors of the pair of this synthetic NIC instead of raising them.

        Only NamespaceGone, which concerns all, passes.
        """
        try:
            with changing(self.what):
                yield
        except NamespaceGone:
            raise
        except Exception as error:
            self._broken(nic, error)

    def failed(self, step: Action, error: NetvscBpfError, begun: float) -> None:
        """Count and report a failed step; it began at `begun`."""
        self.stats.failed(error)
        self.reporter.failed(step, error, self.clock() - begun)

    def report(self, error: Exception, interface: str = MANAGER) -> None:
        """Count and report an unexpected error."""
        self.stats.failed(error)
        if self.unexpected is None:
            self.unexpected = UnexpectedErrors(self.reporter)
        self.unexpected.report(error, interface, self.reporter)

    def _broken(self, nic: Nic, error: Exception) -> None:
        memory, now = self.memories.of(nic.ifindex), self.clock()
        self._broke.add(nic.ifindex)
        if now >= memory.retry.at:
            memory.failed(now)
        retry = self._retries.setdefault(nic.ifindex, Retry())
        if now < retry.at:
            return  # woken by something else: already reported, and not due yet
        retry.failed(now)
        if isinstance(error, NetvscBpfError):
            self.stats.failed(error)
            self.reporter.pair_failed(nic, error)
        else:
            self.report(error, nic.name)
