# SPDX-License-Identifier: GPL-2.0-only
"""increase() sees the first event: a counter with a closed set of labels is there before it, with 0."""

from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from netvsc_bpf.manager.events.kinds import MANAGER, Detail, Event, Kind
from netvsc_bpf.manager.exporter import ManagerExporter
from netvsc_bpf.manager.state.missing_hooks import Attachment
from netvsc_bpf.metrics.closed_sets import PATH_CHANGES, REPAIRS, SHARED_REPAIR
from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.config import MetricsConfig
from netvsc_bpf.metrics.error_classes import ERROR_CLASSES, error_class
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.metrics.snapshot import PairSample, Snapshot
from netvsc_bpf.model.errors import Busy, NetvscBpfError, Refused
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.model.setting import Contradiction
from netvsc_bpf.planner import actions as act
from tests.unit.view.shapes import ON_VF

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]
COUNTED_BY_THE_VF = ("netvsc_bpf_vf_queue_stops_total",)  # where the driver counts it
NIC = ON_VF.synthetic.name


class Scraped:
    """A collector whose pairs and manager are given by hand."""

    def __init__(self) -> None:
        self.changes: Mapping[tuple[Path, Reason], int] = {}
        self.stats = ManagerStats()
        self._registry = CollectorRegistry()
        PairCollector(
            self._registry, self._read, problems=lambda _: {}, manager_up=lambda: True, stats=self.stats
        )

    def _read(self) -> Snapshot:
        return Snapshot((PairSample(ON_VF, self.changes, True, False, {}),))

    def counters(self) -> Series:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for metric in self._registry.collect()
            for sample in metric.samples
            if metric.type == "counter"
        }


@pytest.fixture
def scraped() -> Scraped:
    return Scraped()


def happens(scraped: Scraped) -> None:
    """All that a pair and its manager can count."""
    scraped.changes = {(Path(to), Reason(reason)): 1 for to, reason in PATH_CHANGES}
    for (what,) in REPAIRS:
        scraped.stats.repaired(NIC, what)
    scraped.stats.repaired(*SHARED_REPAIR)
    for error in NetvscBpfError("what", "why"), Busy("what", "why"), OSError(), KeyError():
        scraped.stats.failed(error)


def test_no_counter_appears_with_its_first_event(scraped: Scraped) -> None:
    before = scraped.counters()
    happens(scraped)
    after = scraped.counters()
    assert after.keys() == before.keys()
    assert scraped.counters() == after, "and none is counted twice"


def test_every_change_of_path_is_zero_until_it_happens(scraped: Scraped) -> None:
    def changes() -> dict[tuple[str, str], float]:
        return {
            (dict(labels)["to"], dict(labels)["reason"]): value
            for (name, labels), value in scraped.counters().items()
            if name == "netvsc_bpf_path_changes_total"
        }

    assert set(changes().values()) == {0}
    assert changes().keys() == set(PATH_CHANGES)
    scraped.changes = {(Path.SYNTHETIC, Reason.DRAINED): 1}
    assert changes() == {change: change == ("synthetic", "drained") for change in PATH_CHANGES}


def test_every_reason_leads_somewhere_and_none_to_both_paths() -> None:
    assert sorted(reason for _, reason in PATH_CHANGES) == sorted(Reason)


def test_errors_of_each_class_are_zero_until_one_happens(scraped: Scraped) -> None:
    def errors() -> dict[str, float]:
        return {
            dict(labels)["reason"]: value
            for (name, labels), value in scraped.counters().items()
            if name == "netvsc_bpf_reconcile_errors_total"
        }

    assert errors() == dict.fromkeys(ERROR_CLASSES, 0)
    scraped.stats.failed(Busy("cannot attach", "another netvsc-bpf is writing"))
    assert errors() == {name: name == "Busy" for name in ERROR_CLASSES}


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (Refused("a", "b"), "Refused"),
        (Contradiction("a", "b", fields=()), "Refused"),
        (FileNotFoundError(), "OSError"),
        (KeyError(), "Exception"),
    ],
    ids=["ours", "derived", "system", "unexpected"],
)
def test_an_error_counts_as_the_nearest_class_of_the_set(error: Exception, label: str) -> None:
    assert error_class(error) == label


def test_whatever_the_manager_can_put_back_is_in_the_set() -> None:
    assert {what for (what,) in REPAIRS} == {*Attachment, act.RepairMtu.__name__}


def test_a_repaired_sentinel_counts_where_its_zero_was() -> None:
    exporting = ManagerExporter(MetricsConfig(), lambda _: None)
    exporting(Event(Kind.REPAIRED, MANAGER, "back", details={Detail.HOOK: "sentinel"}))
    assert exporting.stats.figures().repairs == {SHARED_REPAIR: 1}
