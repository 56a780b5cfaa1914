# SPDX-License-Identifier: GPL-2.0-only
"""What the doctor says of guard: where it runs, and whether large frames pass."""

from dataclasses import replace

from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.guard import check_guard, runs_guard
from tests.unit.discovery.shapes import NETVSC, VIRTIO

NATIVE, GENERIC = replace(VIRTIO, xdp_prog_id=7), replace(VIRTIO, xdp_prog_id=7, xdp_generic=True)


def test_only_its_own_program_is_guard() -> None:
    assert runs_guard(NATIVE, {7: "guard"})
    assert not runs_guard(NATIVE, {8: "guard"})
    assert not runs_guard(VIRTIO, {7: "guard"})


def test_s77_native_guard_is_fine_where_the_driver_passes_fragments() -> None:
    found = check_guard(NATIVE, fragments=True)
    assert (found.level, found.what) == (Level.OK, "guard of eth0 runs natively, in virtio_net")


def test_s77_native_guard_of_an_earlier_version_is_warned_of() -> None:
    found = check_guard(NATIVE, fragments=False)
    assert found.level is Level.WARNING
    assert "virtio_net, which drops large frames" in found.what
    assert found.remedy == "run `netvsc-bpf attach eth0` again"


def test_s77_native_guard_that_the_driver_keeps_needs_a_smaller_mtu_first() -> None:
    found = check_guard(replace(NATIVE, mtu=9000), fragments=False)
    assert found.level is Level.WARNING
    assert "does not release it at this MTU" in found.what
    assert found.remedy is not None
    assert found.remedy.startswith("lower the MTU of eth0 to 1500")


def test_s77_generic_guard_says_why_and_what_it_costs() -> None:
    found = check_guard(GENERIC, fragments=False)
    assert found.level is Level.OK
    assert "without GRO on eth0, because virtio_net passes no large frames" in found.what
    assert "refused it" in check_guard(GENERIC, fragments=True).what


def test_s77_generic_guard_on_hv_netvsc_is_warned_of() -> None:
    found = check_guard(replace(NETVSC, xdp_prog_id=7, xdp_generic=True), fragments=False)
    assert found.level is Level.WARNING
    assert "takes frames of the VF for copies" in found.what
    assert found.remedy is not None
    assert "--guard off" in found.remedy
