# SPDX-License-Identifier: GPL-2.0-only
"""Whose XDP program does not see what comes in by the VF (rows 48 and 49, before any kernel)."""

from dataclasses import replace

from netvsc_bpf.discovery.xdp_reach import bypassed_xdp_program, describe
from tests.unit.discovery.shapes import VF, VIRTIO


def test_s49_program_of_the_synthetic_nic_alone_does_not_see_the_vfs_frames() -> None:
    synthetic = replace(VIRTIO, xdp_prog_id=7)
    assert bypassed_xdp_program(synthetic, VF, guarded=False) == 7
    assert "program 7" in describe(7, synthetic, VF)


def test_s49_guard_is_not_meant_for_the_vf_and_a_vf_with_a_program_has_been_thought_of() -> None:
    synthetic = replace(VIRTIO, xdp_prog_id=7)
    assert bypassed_xdp_program(synthetic, VF, guarded=True) is None
    assert bypassed_xdp_program(synthetic, replace(VF, xdp_prog_id=9), guarded=False) is None
    assert bypassed_xdp_program(VIRTIO, VF, guarded=False) is None
