# SPDX-License-Identifier: GPL-2.0-only
"""An exporter that is closed before it listens never says that it does."""

import threading
from typing import Any

import pytest

from netvsc_bpf.metrics import exporter
from netvsc_bpf.metrics.config import Listen, MetricsConfig
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.metrics.server import MetricsServer

PATIENCE_S = 10.0


@pytest.mark.parametrize("closed_first", [True, False])
def test_closed_before_it_listens_it_is_not_announced(
    monkeypatch: pytest.MonkeyPatch, closed_first: bool
) -> None:
    made, may_go_on, announced = threading.Event(), threading.Event(), threading.Event()

    class SlowServer(MetricsServer):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.set()
            assert may_go_on.wait(PATIENCE_S)

    monkeypatch.setattr(exporter, "MetricsServer", SlowServer)
    one = exporter.Exporter(
        MetricsConfig(Listen("127.0.0.1", 0)), ManagerStats(), pytest.fail, lambda _: announced.set()
    )
    one.start()
    (thread,) = (each for each in threading.enumerate() if each.name == "metrics")
    assert made.wait(PATIENCE_S)
    if closed_first:
        one.close()
    may_go_on.set()
    if not closed_first:
        assert announced.wait(PATIENCE_S)
        one.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive() and announced.is_set() is not closed_first
