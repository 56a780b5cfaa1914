# SPDX-License-Identifier: GPL-2.0-only
"""The manager's side of the exporter: counts events, and reports the exporter's problems."""

from collections.abc import Callable

from netvsc_bpf.manager.events.kinds import MANAGER, Detail, Event, Kind
from netvsc_bpf.metrics.config import MetricsConfig
from netvsc_bpf.metrics.exporter import Exporter
from netvsc_bpf.metrics.manager_stats import ManagerStats


class ManagerExporter:
    """A listener that counts events, and the exporter that serves the counts."""

    def __init__(
        self,
        config: MetricsConfig,
        listener: Callable[[Event], None],
        lost_lines: Callable[[], int] = lambda: 0,
    ) -> None:
        self.stats = ManagerStats(lost_lines=lost_lines)
        self._exporter = Exporter(
            config,
            self.stats,
            lambda text: listener(Event(Kind.FAILED, MANAGER, text)),
            lambda url: listener(Event(Kind.STARTED, MANAGER, f"metrics on {url}")),
        )

    def __call__(self, event: Event) -> None:
        """Count an event."""
        if event.kind is Kind.SWITCHED and isinstance(
            joined := event.details.get(Detail.JOIN_S), float | int
        ):
            self.stats.joined(joined)
        elif event.kind is Kind.REPAIRED:
            what = event.details.get(Detail.HOOK) or event.details.get(Detail.STEP) or "setting"
            for one in str(what).split(","):
                self.stats.repaired(event.interface, one.strip())

    def start(self) -> None:
        """Start listening; a failure is reported and tried again."""
        self._exporter.start()

    def close(self) -> None:
        """Stop listening."""
        self._exporter.close()
