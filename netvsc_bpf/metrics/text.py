# SPDX-License-Identifier: GPL-2.0-only
"""Prometheus' text format 0.0.4, the same bytes as prometheus_client.generate_latest() for less.

generate_latest() escapes and checks names anew for every sample: with 64 pairs that is half of a scrape.
tests/unit/metrics/test_text.py compares the two.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric, Sample
from prometheus_client.utils import floatToGoString

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SUFFIX = {"counter": "_total"}


def encode(registry: CollectorRegistry) -> bytes:
    """Ask the collectors of a registry and return their answer."""
    return "".join(_lines(registry.collect())).encode()


def _lines(metrics: Iterable[Metric]) -> Iterable[str]:
    for metric in metrics:
        name = metric.name + _SUFFIX.get(metric.type, "")
        yield f"# HELP {name} {_escape(metric.documentation, quote=False)}\n# TYPE {name} {metric.type}\n"
        yield from map(_line, metric.samples)


def _line(sample: Sample) -> str:
    labels = sample.labels
    if not labels:
        return f"{sample.name} {_number(sample.value)}\n"
    pairs = ",".join([f'{key}="{_escape(labels[key])}"' for key in sorted(labels)])
    return f"{sample.name}{{{pairs}}} {_number(sample.value)}\n"


def _number(value: float) -> str:
    number = float(value)
    # The common case at once: whole numbers below a million look alike in Python and in Go.
    if 0 <= number < 1e6:
        return repr(number)
    return str(floatToGoString(number))  # type: ignore[no-untyped-call]


def _escape(text: str, *, quote: bool = True) -> str:
    if text.isalnum():
        return text
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quote else text
