# SPDX-License-Identifier: GPL-2.0-only
"""The samples of one scrape, by family."""

from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily, Metric

from netvsc_bpf.metrics.families import FAMILIES
from netvsc_bpf.metrics.family import Family
from netvsc_bpf.metrics.row_metric import Block, RowMetric


class Samples:
    """Collects the samples of one scrape."""

    def __init__(self) -> None:
        empty = {family: family.empty() for family in FAMILIES}
        kept_as_rows = {family: one for family, one in empty.items() if isinstance(one, RowMetric)}
        self._rows = {family: one.rows for family, one in kept_as_rows.items()}
        self._blocks = {family: one.blocks for family, one in kept_as_rows.items()}
        self._metrics = empty

    def add(self, family: Family, value: float, *labels: str) -> None:
        """Add one sample of a counter or gauge; the labels in the family's order. Raises ValueError."""
        if len(labels) != len(family.labels):
            raise ValueError(f"{family.full_name} has the labels {family.labels}, not {labels}")
        self._rows[family].append((value, labels))

    def again(self, family: Family, block: Block) -> None:
        """Add a block that an earlier scrape created: most of them never change."""
        self._blocks[family].append(block)

    def histogram(self, family: Family, buckets: list[tuple[str, float]], total: float) -> None:
        """Add one histogram; `buckets` as of Histogram.cumulative()."""
        metric = self._metrics[family]
        assert isinstance(metric, HistogramMetricFamily)
        metric.add_metric((), buckets, total)

    def metrics(self) -> Iterator[Metric]:
        """Return the families that have samples; docs/metrics.md lists all families."""
        return (
            metric
            for metric in self._metrics.values()
            if (metric.rows or metric.blocks if isinstance(metric, RowMetric) else metric.samples)
        )
