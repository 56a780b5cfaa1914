# SPDX-License-Identifier: GPL-2.0-only
"""What the probe found, as metrics: counters from the first scrape on, the gauge where something is known."""

import pytest
from prometheus_client import CollectorRegistry

from netvsc_bpf.manager.state.probe_states import Probed, ProbeStates
from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.metrics.snapshot import PairSample, Snapshot
from netvsc_bpf.model.probe import ProbeState
from tests.unit.view.shapes import ON_VF

NIC = ON_VF.synthetic


def scraped(stats: ManagerStats) -> dict[str, float]:
    registry = CollectorRegistry()
    pairs = Snapshot((PairSample(ON_VF, {}, True, False, {}),))
    PairCollector(registry, lambda: pairs, problems=lambda _: {}, manager_up=lambda: True, stats=stats)
    return {
        sample.name.removeprefix("netvsc_bpf_probe_"): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name.startswith("netvsc_bpf_probe_")
    }


def test_counters_of_a_pair_that_is_not_probed_are_zero_and_there_is_no_gauge() -> None:
    assert scraped(ManagerStats()) == {"sent_total": 0, "answered_total": 0}


@pytest.mark.parametrize(
    ("state", "gauge"),
    [
        (ProbeState.REACHABLE, 1),
        (ProbeState.SILENT, 0),
        (ProbeState.UNPROVEN, 0),
        (ProbeState.CHECKING, None),
        (ProbeState.IDLE, None),
        (ProbeState.NO_TARGETS, None),
    ],
)
def test_the_gauge_is_there_while_something_is_known_of_the_vf(state: ProbeState, gauge: int | None) -> None:
    stats = ManagerStats()
    states = ProbeStates(stats)
    for _ in range(2):
        states.noted(NIC.ifindex, NIC.name, Probed(("10.0.0.1",), state), sent=3, answered=2)
    found = scraped(stats)
    assert (found["sent_total"], found["answered_total"], found.get("reachable")) == (6, 4, gauge)


def test_a_pair_that_is_not_probed_any_more_keeps_its_counters() -> None:
    stats = ManagerStats()
    states = ProbeStates(stats)
    states.noted(NIC.ifindex, NIC.name, Probed((), ProbeState.REACHABLE), sent=3, answered=2)
    states.keep(set())
    assert scraped(stats) == {"sent_total": 3, "answered_total": 2}
    assert states.now() == {}
