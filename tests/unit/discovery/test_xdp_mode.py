# SPDX-License-Identifier: GPL-2.0-only
"""Where guard runs, so that frames of any size pass (row 77, before any kernel)."""

from dataclasses import replace

import pytest

from netvsc_bpf.discovery.xdp_mode import attached_mode, guard_modes, may_be_kept_by_driver
from netvsc_bpf.model.path import XdpMode
from tests.unit.discovery.shapes import NETVSC, VETH, VIRTIO

NATIVE, GENERIC = XdpMode.NATIVE, XdpMode.GENERIC


def test_s77_driver_that_passes_fragments_runs_guard_natively_with_the_stack_as_second_choice() -> None:
    for nic in (VIRTIO, VETH, replace(VIRTIO, mtu=9000)):
        assert guard_modes(nic, fragments=True) == (NATIVE, GENERIC)


@pytest.mark.parametrize("mtu", [1501, 9000])
def test_s77_driver_that_would_drop_large_frames_does_not_run_guard(mtu: int) -> None:
    assert guard_modes(replace(VIRTIO, mtu=mtu), fragments=False) == (GENERIC,)


@pytest.mark.parametrize("mtu", [1280, 1500])
def test_s77_driver_runs_guard_while_each_frame_fits_into_one_buffer(mtu: int) -> None:
    assert guard_modes(replace(VIRTIO, mtu=mtu), fragments=False) == (NATIVE, GENERIC)


@pytest.mark.parametrize("fragments", [False, True])
def test_s77_generic_mode_would_see_what_hv_netvsc_receives_by_the_vf(fragments: bool) -> None:
    assert guard_modes(replace(NETVSC, mtu=9000), fragments=fragments) == (NATIVE,)


def test_mode_of_the_program_that_is_attached() -> None:
    assert attached_mode(VIRTIO) is None
    assert attached_mode(replace(VIRTIO, xdp_prog_id=7)) is NATIVE
    assert attached_mode(replace(VIRTIO, xdp_prog_id=7, xdp_generic=True)) is GENERIC


def test_s77_virtio_net_without_fragments_keeps_a_native_program_under_a_large_mtu() -> None:
    stuck = replace(VIRTIO, mtu=9000, xdp_prog_id=7)
    assert may_be_kept_by_driver(stuck)
    for other in (
        replace(stuck, mtu=1500),
        replace(stuck, xdp_generic=True),
        replace(stuck, xdp_prog_id=None),
        replace(stuck, driver="tun"),
    ):
        assert not may_be_kept_by_driver(other)
