# SPDX-License-Identifier: GPL-2.0-only
"""One scrape without an exporter."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from netvsc_bpf.datapath.session import reading
from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.snapshot import SnapshotReader
from netvsc_bpf.metrics.text import encode
from netvsc_bpf.metrics.vf_problems import look_up


def scrape(manager_up: Callable[[], bool]) -> str:
    """Return the metrics of this thread's network namespace as text. Raises as datapath.status() does."""

    def stop(error: Exception | None) -> None:
        if error is not None:
            raise error

    registry = CollectorRegistry()
    with reading("cannot read the metrics"):
        PairCollector(registry, SnapshotReader(), problems=look_up, manager_up=manager_up, failed=stop)
        return encode(registry).decode()
