# SPDX-License-Identifier: GPL-2.0-only
"""The samples of one scrape, by family."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import HistogramMetricFamily, Metric, Sample

from netvsc_bpf.metrics.families import FAMILIES, Family


class Samples:
    """Collects what one scrape answers."""

    def __init__(self) -> None:
        self._found: dict[Family, Metric] = {family: family.empty() for family in FAMILIES}
        self._rows = {
            family: (metric.samples.append, family.full_name, family.labels)
            for family, metric in self._found.items()
        }

    def add(self, family: Family, value: float, *labels: str) -> None:
        """Add one sample of a counter or gauge; the labels in the family's order."""
        # Not add_metric(): a scrape of 64 pairs has thousands of samples, and this takes half as long.
        append, name, names = self._rows[family]
        append(Sample(name, dict(zip(names, labels, strict=True)), value))

    def again(self, family: Family, samples: Iterable[Sample]) -> None:
        """Add samples that an earlier scrape added: made once, as most of them never change."""
        self._found[family].samples.extend(samples)

    def histogram(self, family: Family, buckets: list[tuple[str, float]], total: float) -> None:
        """Add one histogram; `buckets` as of Histogram.cumulative()."""
        metric = self._found[family]
        assert isinstance(metric, HistogramMetricFamily)
        metric.add_metric((), buckets, total)

    def metrics(self) -> Iterator[Metric]:
        """Return the families that have samples: who misses one finds it in docs/metrics.md."""
        return (metric for metric in self._found.values() if metric.samples)
