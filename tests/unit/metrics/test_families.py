# SPDX-License-Identifier: GPL-2.0-only
"""The names are a contract; describing them costs nothing."""

import re
from typing import NoReturn

import pytest
from prometheus_client import CollectorRegistry

from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.families import FAMILIES
from netvsc_bpf.metrics.family import Type

PROMISED = {
    "netvsc_bpf_packets_total": {"interface", "direction", "path"},
    "netvsc_bpf_bytes_total": {"interface", "direction", "path"},
    "netvsc_bpf_vf_active": {"interface"},
    "netvsc_bpf_vf_present": {"interface"},
    "netvsc_bpf_vf_carrier": {"interface"},
    "netvsc_bpf_path_changes_total": {"interface", "to", "reason"},
    "netvsc_bpf_drops_total": {"interface", "direction", "reason"},
    "netvsc_bpf_vf_join_seconds": set(),
    "netvsc_bpf_last_path_change_timestamp_seconds": {"interface"},
    "netvsc_bpf_interface_info": {"interface", "vf", "driver", "vf_driver", "hook", "liveness", "rx"},
    "netvsc_bpf_attachment_drift": {"interface", "hook"},
    "netvsc_bpf_reconcile_duration_seconds": set(),
    "netvsc_bpf_reconcile_errors_total": {"reason"},
    "netvsc_bpf_last_reconcile_timestamp_seconds": set(),
    "netvsc_bpf_build_info": {"version", "abi"},
    "netvsc_bpf_probe_sent_total": {"interface"},
    "netvsc_bpf_probe_answered_total": {"interface"},
    "netvsc_bpf_probe_reachable": {"interface"},
}
CHURNING = {"vf", "vf_driver", "ifindex", "mac", "address", "pid"}


def refuse(*_: object) -> NoReturn:
    raise AssertionError("the kernel was asked")


@pytest.mark.parametrize(("name", "labels"), PROMISED.items())
def test_a_promised_metric_keeps_name_and_labels(name: str, labels: set[str]) -> None:
    (family,) = [family for family in FAMILIES if family.full_name == name]
    assert set(family.labels) == labels


def test_registering_and_describing_never_touch_the_kernel() -> None:
    registry = CollectorRegistry()
    collector = PairCollector(registry, refuse, problems=refuse, manager_up=refuse)
    assert [metric.documentation for metric in collector.describe()] == [one.help for one in FAMILIES]
    with pytest.raises(ValueError, match="Duplicated"):
        PairCollector(registry, refuse, problems=refuse, manager_up=refuse)


def test_names_are_in_base_units_and_each_is_there_once() -> None:
    names = [family.full_name for family in FAMILIES]
    assert len(set(names)) == len(names)
    for family in FAMILIES:
        assert re.fullmatch(r"netvsc_bpf_[a-z_]+", family.full_name)
        assert (family.type is Type.COUNTER) == family.full_name.endswith("_total")
        assert not re.search(r"_(ms|ns|us|milliseconds|kb|mb|percent)(_|$)", family.full_name)
        assert family.help.endswith(".")


def test_only_the_info_metric_names_what_comes_and_goes() -> None:
    churning = {family.full_name for family in FAMILIES if CHURNING & set(family.labels)}
    assert churning == {"netvsc_bpf_interface_info"}
