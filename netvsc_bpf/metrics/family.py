# SPDX-License-Identifier: GPL-2.0-only
"""One metric as a value: name, type, labels, help text. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.core import HistogramMetricFamily

from netvsc_bpf.metrics.row_metric import RowMetric

_PREFIX = "netvsc_bpf_"


class Type(StrEnum):
    """The Prometheus types in use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Source(StrEnum):
    """Where the numbers are kept, which decides how long they live."""

    PAIRS = "pairs"
    """Pinned maps and netlink, of each attached pair, with or without a manager."""
    PROGRAMS = "programs"
    """The kernel's statistics of netvsc-bpf's programs."""
    MANAGER = "manager"
    """The process `netvsc-bpf run`: reset when it restarts."""
    EXPORTER = "exporter"
    """The process that answers the scrape."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric, compared by identity.

    Its full name is the prefix, `name`, and for a counter `_total`.
    """

    name: str
    type: Type
    source: Source
    help: str
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name that queries use (of a histogram without _bucket, _count, _sum)."""
        return f"{_PREFIX}{self.name}{'_total' if self.type is Type.COUNTER else ''}"

    def empty(self) -> RowMetric | HistogramMetricFamily:
        """Return it without samples, as describe() and collect() begin."""
        name = _PREFIX + self.name
        if self.type is Type.HISTOGRAM:
            return HistogramMetricFamily(name, self.help, labels=self.labels)
        return RowMetric(name, self.help, self.type.value, self.full_name, self.labels)
