# SPDX-License-Identifier: GPL-2.0-only
"""Where guard runs, so that frames of any size pass (row 77, before any kernel)."""

from dataclasses import replace

import pytest

from netvsc_bpf.discovery.xdp_mode import attached_mode, guard_modes, is_kept_by_driver
from netvsc_bpf.model.path import XdpMode
from tests.unit.discovery.shapes import NETVSC, VETH, VIRTIO

NATIVE, GENERIC = XdpMode.NATIVE, XdpMode.GENERIC


def test_s77_driver_that_passes_fragments_runs_guard_natively_with_the_stack_as_second_choice() -> None:
    for nic in (VIRTIO, VETH, replace(VIRTIO, mtu=9000, max_mtu=65535)):
        assert guard_modes(nic, fragments=True) == (NATIVE, GENERIC)


@pytest.mark.parametrize("mtu", [1500, 9000])
@pytest.mark.parametrize("max_mtu", [0, 1501, 9000, 65535])
def test_s77_driver_that_would_drop_large_frames_never_runs_guard(mtu: int, max_mtu: int) -> None:
    assert guard_modes(replace(VIRTIO, mtu=mtu, max_mtu=max_mtu), fragments=False) == (GENERIC,)


@pytest.mark.parametrize("max_mtu", [1400, 1500])
def test_s77_driver_runs_guard_where_its_device_cannot_have_a_larger_mtu(max_mtu: int) -> None:
    assert guard_modes(replace(VIRTIO, max_mtu=max_mtu), fragments=False) == (NATIVE, GENERIC)


@pytest.mark.parametrize("fragments", [False, True])
def test_s77_generic_mode_would_see_what_hv_netvsc_receives_by_the_vf(fragments: bool) -> None:
    assert guard_modes(replace(NETVSC, mtu=9000), fragments=fragments) == (NATIVE,)


def test_mode_of_the_program_that_is_attached() -> None:
    assert attached_mode(VIRTIO) is None
    assert attached_mode(replace(VIRTIO, xdp_prog_id=7)) is NATIVE
    assert attached_mode(replace(VIRTIO, xdp_prog_id=7, xdp_generic=True)) is GENERIC


def test_s77_virtio_net_without_fragments_keeps_a_native_program_under_a_large_mtu() -> None:
    stuck = replace(VIRTIO, mtu=9000, xdp_prog_id=7)
    assert is_kept_by_driver(stuck, fragments=False)
    assert not is_kept_by_driver(stuck, fragments=True)
    for other in (
        replace(stuck, mtu=1500),
        replace(stuck, xdp_generic=True),
        replace(stuck, xdp_prog_id=None),
        replace(stuck, driver="tun"),
    ):
        assert not is_kept_by_driver(other, fragments=False)
