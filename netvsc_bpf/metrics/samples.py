# SPDX-License-Identifier: GPL-2.0-only
"""The samples of one scrape, by family."""

from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily, Metric

from netvsc_bpf.metrics.families import FAMILIES, Family


class Samples:
    """Collects what one scrape answers."""

    def __init__(self) -> None:
        self._found: dict[Family, Metric] = {family: family.empty() for family in FAMILIES}

    def add(self, family: Family, value: float, *labels: str) -> None:
        """Add one sample of a counter or gauge; the labels in the family's order."""
        self._found[family].add_metric(labels, value)  # type: ignore[attr-defined]  # both kinds have it

    def histogram(self, family: Family, buckets: list[tuple[str, float]], total: float) -> None:
        """Add one histogram; `buckets` as of Histogram.cumulative()."""
        metric = self._found[family]
        assert isinstance(metric, HistogramMetricFamily)
        metric.add_metric((), buckets, total)

    def metrics(self) -> Iterator[Metric]:
        """Return the families that have samples: who misses one finds it in docs/metrics.md."""
        return (metric for metric in self._found.values() if metric.samples)
