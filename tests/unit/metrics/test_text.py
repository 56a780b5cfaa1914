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
from netvsc_bpf.model.names import shown

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


def registry_of(*metrics: Metric) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Given(*metrics))
    return registry


def both(*metrics: Metric) -> tuple[bytes, bytes]:
    registry = registry_of(*metrics)
    return encode(registry), generate_latest(registry)


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_are_written_alike(value: float) -> None:
    gauge = GaugeMetricFamily("netvsc_bpf_x", "What it\nmeans \\ says.", labels=["b", "a"])
    gauge.add_metric(["eth0", 'odd "name"\\\n'], value)
    plain = CounterMetricFamily("netvsc_bpf_y", "No labels.")
    plain.add_metric([], value)
    ours, theirs = both(gauge, plain)
    assert ours == theirs


ANY_TEXT = st.text(st.one_of(st.characters(), st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)))


@given(st.floats(allow_nan=False), ANY_TEXT)
def test_any_number_and_label_are_written_alike(value: float, label: str) -> None:
    """A label that is no name the library can write, or a terminal can show, is written as it is shown."""

    def gauge(text: str) -> Metric:
        family = GaugeMetricFamily("netvsc_bpf_x", "Text.", labels=["interface"])
        family.add_metric([text], value)
        return family

    assert encode(registry_of(gauge(label))) == generate_latest(registry_of(gauge(shown(label))))


def test_histograms_are_written_alike() -> None:
    histogram = HistogramMetricFamily("netvsc_bpf_h", "Text.")
    histogram.add_metric([], [("0.1", 1.0), ("+Inf", 2.0)], 3.5)
    ours, theirs = both(histogram)
    assert ours == theirs
    assert b'netvsc_bpf_h_bucket{le="+Inf"} 2.0' in ours
