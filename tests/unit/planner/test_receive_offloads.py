# SPDX-License-Identifier: GPL-2.0-only
"""Which receive offloads a VF has to have."""

from collections.abc import Callable

import pytest

from netvsc_bpf.model.receive_offload import FeatureState, ReceiveOffload
from netvsc_bpf.planner.receive_offloads import IN_SOFTWARE, decided, requests, unmet, without_guard

GRO, LRO, GRO_HW = ReceiveOffload.GRO, ReceiveOffload.LRO, ReceiveOffload.GRO_HW
UDP_GRO = ReceiveOffload.UDP_GRO
ON, OFF = FeatureState(True, True, True), FeatureState(True, False, False)
FIXED_ON, FIXED_OFF = FeatureState(False, False, True), FeatureState(False, False, False)
REFUSED = FeatureState(available=True, requested=True, active=False)
BY_ITSELF = FeatureState(available=True, requested=False, active=True)

USUAL = {one: OFF for one in ReceiveOffload} | {GRO: ON, LRO: FIXED_OFF, GRO_HW: FIXED_OFF}
"""What virtio-net and most other drivers come with."""


def forwarding() -> bool:
    return True


def not_forwarding() -> bool:
    return False


def not_asked() -> bool:
    raise AssertionError("this reads all interfaces")


def nic(**states: FeatureState) -> dict[ReceiveOffload, FeatureState]:
    return USUAL | {ReceiveOffload[name]: state for name, state in states.items()}


def test_two_usual_nics_need_nothing() -> None:
    values = decided(USUAL, USUAL, {}, not_asked)
    assert requests(values, USUAL, {}) == unmet(values, USUAL) == {}


@pytest.mark.parametrize("one", IN_SOFTWARE)
@pytest.mark.parametrize("on", [False, True])
def test_gro_in_software_is_as_on_the_synthetic_nic(one: ReceiveOffload, on: bool) -> None:
    synthetic, vf = USUAL | {one: ON if on else OFF}, USUAL | {one: OFF if on else ON}
    assert requests(decided(synthetic, vf, {}, not_asked), vf, {}) == {one: on}


@pytest.mark.parametrize("state", [REFUSED, BY_ITSELF])
def test_what_was_not_requested_or_not_granted_on_the_synthetic_nic_decides_nothing(
    state: FeatureState,
) -> None:
    """Older kernels have veth switch GRO on by itself under XDP, which guard is."""
    for vf in (nic(GRO=ON), nic(GRO=OFF)):
        assert requests(decided(nic(GRO=state), vf, {}, not_asked), vf, {}) == {}


def test_where_gro_is_off_the_vf_merges_nothing_in_hardware_either() -> None:
    vf = nic(LRO=ON, GRO_HW=ON)
    values = decided(nic(GRO=OFF), vf, {}, not_asked)
    assert requests(values, vf, {}) == {GRO: False, LRO: False, GRO_HW: False}


def test_lro_is_off_where_the_synthetic_nic_can_do_it_and_has_it_off() -> None:
    assert requests(decided(nic(LRO=OFF), nic(LRO=ON), {}, not_asked), nic(LRO=ON), {}) == {LRO: False}


def test_lro_that_the_synthetic_nic_has_on_is_neither_taken_nor_given() -> None:
    for vf in (nic(LRO=ON), nic(LRO=OFF)):
        assert requests(decided(nic(LRO=ON), vf, {}, not_asked), vf, {}) == {}


def test_lro_stays_on_where_the_synthetic_nic_cannot_do_it_and_nothing_is_forwarded() -> None:
    assert LRO not in decided(USUAL, nic(LRO=ON), {}, not_forwarding)


def test_lro_is_off_where_packets_are_forwarded_though_the_synthetic_nic_cannot_do_it() -> None:
    assert requests(decided(USUAL, nic(LRO=ON), {}, forwarding), nic(LRO=ON), {}) == {LRO: False}


@pytest.mark.parametrize(("forwards", "required"), [(not_forwarding, {}), (forwarding, {LRO: False})])
def test_lro_that_generic_mode_has_switched_off_on_the_synthetic_nic_is_off_only_to_forward(
    forwards: Callable[[], bool], required: dict[ReceiveOffload, bool]
) -> None:
    vf = nic(LRO=ON)
    seen = without_guard(nic(LRO=OFF), {"rx-lro", "rx-gro-hw"})
    assert requests(decided(seen, vf, {}, forwards), vf, {}) == required


def test_lro_that_was_off_before_guard_came_or_is_on_again_is_taken_as_it_is() -> None:
    assert without_guard(nic(LRO=OFF, GRO_HW=OFF), {"rx-gro-hw"})[LRO] == OFF
    assert without_guard(nic(LRO=ON), {"rx-lro"})[LRO] == ON


def test_lro_returns_when_nothing_is_forwarded_any_more() -> None:
    vf, original = nic(LRO=OFF), {LRO: True}
    assert requests(decided(USUAL, vf, original, forwarding), vf, original) == {}
    assert requests(decided(USUAL, vf, original, not_forwarding), vf, original) == {LRO: True}


def test_gro_in_hardware_is_the_matter_of_each_device() -> None:
    assert requests(decided(nic(GRO_HW=OFF), nic(GRO_HW=ON), {}, not_asked), nic(GRO_HW=ON), {}) == {}


def test_request_is_not_repeated_and_what_is_not_granted_is_unmet() -> None:
    values, vf = decided(nic(UDP_GRO=ON), nic(UDP_GRO=REFUSED), {}, not_asked), nic(UDP_GRO=REFUSED)
    assert requests(values, vf, {}) == {}
    assert unmet(values, vf) == {UDP_GRO: True}


def test_fixed_feature_is_not_requested_but_unmet() -> None:
    values, vf = decided(USUAL, nic(LRO=FIXED_ON), {}, forwarding), nic(LRO=FIXED_ON)
    assert requests(values, vf, {}) == {}
    assert unmet(values, vf) == {LRO: False}


def test_what_can_still_be_requested_is_not_unmet() -> None:
    values, vf = decided(nic(UDP_GRO=ON), USUAL, {}, not_asked), USUAL
    assert unmet(values, vf) == {}
