# SPDX-License-Identifier: GPL-2.0-only
"""The made-up VMs of bench.fleet are what their states say, in the words of the real collector."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.fleet_vms import REGIONS, State, Vm, expected

STATES = {Vm(number).state: number for number in reversed(range(100))}


def answered(number: int, elapsed_s: float = 100.0) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, in the order of their names."""
    text = Vm(number).answer(elapsed_s, now=1_700_000_000.0).decode()
    return {
        (
            sample.name.removeprefix("netvsc_bpf_"),
            *(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_ten_thousand_vms_have_addresses_and_regions_of_their_own() -> None:
    vms = [Vm(number) for number in range(10_000)]
    assert len({vm.address for vm in vms}) == len(vms)
    assert {vm.region for vm in vms} == set(REGIONS)
    assert set(STATES) == set(State)


@pytest.mark.parametrize(
    ("state", "sample", "value"),
    [
        (State.VF, ("vf_active", "eth0"), 1),
        (State.SLOW_PATH, ("path_reason", "eth0", "no-carrier"), 1),
        (State.NO_VF, ("vf_present", "eth0"), 0),
        (State.FLAPPING, ("path_changes_total", "eth0", "vf-down", "synthetic"), 50),
        (State.DAMPED, ("vf_damped", "eth0"), 1),
        (State.DRAINED, ("drained", "eth0"), 1),
        (State.UNREACHABLE, ("path_reason", "eth0", "unreachable"), 1),
        (State.NOT_PROBED, ("probe_reachable", "eth0"), 0),
    ],
)
def test_a_vm_is_in_its_state(state: State, sample: tuple[str, ...], value: float) -> None:
    assert answered(STATES[state])[sample] == value


def test_counters_grow_and_the_manager_is_alive() -> None:
    first, later = answered(50, 100.0), answered(50, 160.0)
    assert later["bytes_total", "tx", "eth0", "vf"] - first["bytes_total", "tx", "eth0", "vf"] == 60 * 125_000
    assert later["last_reconcile_timestamp_seconds",] == 1_700_000_000


def test_what_the_rules_must_count_adds_up() -> None:
    counts = expected(1_000)
    assert counts["drained"] == 20 and counts["flapping"] == 10
    # Those that flap or are not probed are on their VF as well; the silent ones are counted nowhere.
    paths = counts["vf"] + counts["slow-path"] + counts["no-vf"] + counts["damped"] + counts["drained"]
    assert paths == 1_000 - 10
