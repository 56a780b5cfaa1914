# SPDX-License-Identifier: GPL-2.0-only
"""Pins that are out of sight, or belong to no namespace any more."""

from collections.abc import Callable

import pytest

from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.namespace import remove
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import BPFFS
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import refused, run, state
from tests.kernel.machine import pins, unchanged

ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
OVER = (
    "unshare",
    "-m",
    "--propagation",
    "private",
    "sh",
    "-c",
    f'mount -t bpf bpf {BPFFS} && exec "$@"',
    "sh",
)


@pytest.fixture
def lab(lab_factory: Callable[..., Lab]) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


def on_egress(lab: Lab) -> list[int]:
    return lab.in_guest(lambda: tcx_programs(lab.ifindex(lab.guest, "eth0"), Direction.EGRESS))


def test_s88_second_bpffs_over_the_first_attaches_nothing_twice(lab: Lab) -> None:
    state(run(lab, *ATTACH))
    before = on_egress(lab)
    if not before:
        pytest.skip("this kernel has no tcx")
    with unchanged(lab):
        for command in (
            ATTACH,
            ("attach", "eth0", "--any-bus", "--guard", "off"),
            ("detach", "eth0"),
            ("detach", "--all"),
        ):
            refused(run(lab, *command, wrapped_in=OVER), 3, "its pins are not in this", "umount")
        said = run(lab, "doctor", wrapped_in=OVER)
        assert said.returncode != 0 and "problem hidden-pins: program" in said.stdout
    assert "hidden-pins" not in run(lab, "doctor").stdout
    assert on_egress(lab) == before
    assert run(lab, "detach", "eth0").returncode == 0


def test_s88_second_bpffs_over_an_empty_one_is_used(lab: Lab) -> None:
    result = run(lab, *ATTACH, wrapped_in=OVER)
    assert result.returncode == 0, result.stderr


def test_s73_pins_of_a_deleted_namespace_are_found_and_cleared(lab_factory: Callable[..., Lab]) -> None:
    kept, gone = (lab_factory(LabPlan(fabric=Fabric.NONE)) for _ in range(2))
    for lab in (kept, gone):
        state(run(lab, *ATTACH))
    left = NetnsPins(gone.in_guest(namespaces.current_inode))
    assert "orphans" not in run(kept, "doctor").stdout
    remove(gone.guest)
    assert left.home.exists()
    result = run(kept, "doctor")
    assert f"pins of network namespaces that no longer exist: {left.inode}" in result.stdout
    assert left.home.exists(), "doctor changes nothing"
    result = run(kept, "detach", "--all")
    assert result.returncode == 0
    assert f"network namespace {left.inode}" in result.stderr
    assert pins() == []


def test_s73_pins_of_a_namespace_that_lives_are_left_alone(lab_factory: Callable[..., Lab]) -> None:
    one, another = (lab_factory(LabPlan(fabric=Fabric.NONE)) for _ in range(2))
    for lab in (one, another):
        state(run(lab, *ATTACH))
    assert run(one, "detach", "--all").stderr == ""
    assert state(run(another, "status", "--json"))["path"] == "vf"
    assert run(another, "detach", "--all").returncode == 0
