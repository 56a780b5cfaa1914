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
        yield f"# HELP {name} {_escape(metric.documentation)}\n# TYPE {name} {metric.type}\n"
        shapes: dict[tuple[str, ...], _Shape] = {}
        for sample in metric.samples:
            key = sample.name, *sample.labels
            shape = shapes.get(key)
            if shape is None:
                shape = shapes[key] = _Shape(sample.name, sorted(sample.labels))
            yield shape.line(sample)


class _Shape:
    """The lines of samples that have their name and the names of their labels in common."""

    def __init__(self, name: str, labels: list[str]) -> None:
        self._labels = labels
        pairs = ",".join(f'{label}="%s"' for label in labels)
        self._line = f"{name}{{{pairs}}} %s\n" if labels else f"{name} %s\n"

    def line(self, sample: Sample) -> str:
        """Return one sample as a line."""
        values = [sample.labels[label] for label in self._labels]
        together = "".join(values)
        if "\\" in together or "\n" in together or '"' in together:
            values = [_escape(value).replace('"', r"\"") for value in values]
        return self._line % (*values, _number(sample.value))


def _number(value: float) -> str:
    number = float(value)
    # The common case at once: numbers from 0 to a million look alike in Python and in Go.
    if 0 <= number < 1e6:
        return repr(number)
    return str(floatToGoString(number))  # type: ignore[no-untyped-call]


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
