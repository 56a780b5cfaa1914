# SPDX-License-Identifier: GPL-2.0-only
"""Samples that did not change are not formatted again; those that did, and those of a new interface, are."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from netvsc_bpf.metrics import families, text, unchanged_rows
from netvsc_bpf.metrics.samples import Samples
from netvsc_bpf.metrics.unchanged_rows import UnchangedRows


class Scrapes:
    """Scrapes with one state for each interface, and how many rows each has formatted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._rows, self.formatted = UnchangedRows(), 0
        format_rows = text.lines

        def counting(name: str, labels: tuple[str, ...], rows: text.Sequence[text.Row]) -> text.Iterable[str]:
            self.formatted += len(rows)
            return format_rows(name, labels, rows)

        monkeypatch.setattr(unchanged_rows.text, "lines", counting)

    def scrape(self, **states: bool) -> list[str]:
        """Return the lines of a scrape."""
        samples = Samples()
        self._rows.begin_round()
        self.formatted = 0
        for name, present in states.items():
            self._rows.add(
                samples, name, [(families.VF_PRESENT, present, (name,)), (families.VF_ACTIVE, 1, (name,))]
            )
        registry = CollectorRegistry()
        registry.register(Collected(list(samples.metrics())))
        return [line for line in text.encode(registry).decode().splitlines() if not line.startswith("#")]


class Collected:
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def test_each_scrape_has_the_rows_as_they_are_and_formats_what_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scrapes = Scrapes(monkeypatch)
    present = 'netvsc_bpf_vf_present{interface="%s"} %s'
    first = scrapes.scrape(eth0=True, eth1=False)
    assert present % ("eth0", "1.0") in first and present % ("eth1", "0.0") in first
    assert scrapes.formatted == 4
    assert scrapes.scrape(eth0=True, eth1=False) == first and scrapes.formatted == 0
    assert present % ("eth1", "1.0") in scrapes.scrape(eth0=True, eth1=True) and scrapes.formatted == 2
    assert len(scrapes.scrape(eth0=True)) == 2 and scrapes.formatted == 0
    assert len(scrapes.scrape(eth0=True, eth1=True)) == 4 and scrapes.formatted == 2, "eth1 was away"
