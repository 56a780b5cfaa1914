# SPDX-License-Identifier: GPL-2.0-only
"""Our encoder says what the library's says, byte for byte."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from netvsc_bpf.metrics.text import encode

NUMBERS = (
    0,
    1,
    True,
    0.1,
    1e-9,
    999_999,
    1e6,
    1_000_001,
    2**53,
    2**63,
    1795544979.769277,
    -1.5,
    float("inf"),
)


class Given(Collector):
    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def both(*metrics: Metric) -> tuple[bytes, bytes]:
    registry = CollectorRegistry()
    registry.register(Given(*metrics))
    return encode(registry), generate_latest(registry)


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_are_written_alike(value: float) -> None:
    gauge = GaugeMetricFamily("netvsc_bpf_x", "What it\nmeans \\ says.", labels=["b", "a"])
    gauge.add_metric(["eth0", 'odd "name"\\\n'], value)
    plain = CounterMetricFamily("netvsc_bpf_y", "No labels.")
    plain.add_metric([], value)
    ours, theirs = both(gauge, plain)
    assert ours == theirs


@given(st.floats(allow_nan=False), st.text())
def test_any_number_and_label_are_written_alike(value: float, label: str) -> None:
    gauge = GaugeMetricFamily("netvsc_bpf_x", "Text.", labels=["interface"])
    gauge.add_metric([label.encode(errors="replace").decode()], value)
    ours, theirs = both(gauge)
    assert ours == theirs


def test_histograms_are_written_alike() -> None:
    histogram = HistogramMetricFamily("netvsc_bpf_h", "Text.")
    histogram.add_metric([], [("0.1", 1.0), ("+Inf", 2.0)], 3.5)
    ours, theirs = both(histogram)
    assert ours == theirs
    assert b'netvsc_bpf_h_bucket{le="+Inf"} 2.0' in ours
