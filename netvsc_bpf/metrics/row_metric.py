# SPDX-License-Identifier: GPL-2.0-only
"""A counter or gauge whose samples are kept as rows: a scrape of 64 pairs has two thousand of them.

prometheus_client keeps an object and a dictionary of labels for each sample. The encoder in text.py reads the
rows; samples are created for any other reader.
"""

from dataclasses import dataclass
from itertools import chain

from prometheus_client.core import Metric, Sample

Row = tuple[float, tuple[str, ...]]
"""The value, and the label values in the order of the labels."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that are the same in each scrape, and their lines in the text format."""

    rows: tuple[Row, ...]
    text: str


class RowMetric(Metric):
    """`sample_name` is the name of each sample, `labels` are the names of their labels."""

    def __init__(self, name: str, text: str, kind: str, sample_name: str, labels: tuple[str, ...]) -> None:
        self.sample_name, self.labels = sample_name, labels
        self.rows: list[Row] = []
        self.blocks: list[Block] = []
        super().__init__(name, text, kind)

    @property
    def samples(self) -> list[Sample]:
        """The rows as samples of prometheus_client."""
        return [
            Sample(self.sample_name, dict(zip(self.labels, values, strict=True)), value)
            for value, values in chain(self.rows, *(block.rows for block in self.blocks))
        ]

    @samples.setter
    def samples(self, value: list[Sample]) -> None:
        if value:  # Metric.__init__() sets an empty list
            raise AttributeError("samples are made from rows")
