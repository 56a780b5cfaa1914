# SPDX-License-Identifier: GPL-2.0-only
"""attach and detach killed at any moment: the next one finishes what they began, or takes it back."""

import random
import time
from collections.abc import Callable, Iterator

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import run, start, state
from tests.kernel.direct import Direct, direct
from tests.kernel.faults import Steps, changes, killed_at, slots_in_use, stepping
from tests.kernel.machine import assert_as, look, pins, unchanged

LabFactory = Callable[..., Lab]
MOMENTS = 10
OPTIONS = datapath.AttachOptions(vf="vf0", settle_ms=10)
PREPARED = ["ip", "link", "set", "vf0", "down", "mtu", "1400", "gso_max_size", "30000"]


def test_attach_after_attaches_killed_at_any_moment_is_right(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    lab.run(lab.guest, PREPARED)
    with direct(lab), unchanged(lab):
        began = time.monotonic()
        state(run(lab, "attach", "eth0", "--vf", "vf0", "--settle", "10", "--json"))
        lasted = time.monotonic() - began
        assert run(lab, "detach", "eth0").returncode == 0
        for moment in range(MOMENTS):
            victim = start(lab, "attach", "eth0", "--vf", "vf0")
            time.sleep(lasted * (moment + random.random()) / MOMENTS)  # which moment is all the same
            victim.kill()
            victim.communicate()
            pair = state(run(lab, "attach", "eth0", "--vf", "vf0", "--settle", "10", "--json"))
            assert (pair["path"], pair["vf"]["interface"]) == ("vf", "vf0")
            assert [path for path in pins() if "loading" in path.name] == []
            assert run(lab, "detach", "eth0").returncode == 0


@pytest.fixture
def here(lab_factory: LabFactory) -> Iterator[Direct]:
    """Two pairs, of which eth1 is attached all the time: programs are compiled once."""
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    lab.run(lab.guest, PREPARED)
    with direct(lab) as here:
        here.attach("eth1")
        yield here


def test_attach_repairs_an_attach_killed_before_any_step(here: Direct) -> None:
    with stepping(Steps()) as steps:
        here.attach()
    attached = look(here.lab)
    here.detach()
    before, slots = look(here.lab), slots_in_use(here.lab)
    for at in changes(steps.names):
        where = f"killed before {steps.names[at]} (call {at})"
        killed_at(here.lab, at, lambda: datapath.attach("eth0", OPTIONS))
        assert (where, here.attach().status.path) == (where, "vf")
        assert sorted(attached) == sorted(look(here.lab))
        here.detach()
        assert_as(before, here.lab, where)
        assert (where, slots_in_use(here.lab)) == (where, slots)


def test_detach_finishes_a_detach_killed_before_any_step(here: Direct) -> None:
    before, slots = look(here.lab), slots_in_use(here.lab)
    here.attach()
    with stepping(Steps()) as steps:
        here.detach()
    for at in changes(steps.names):
        where = f"killed before {steps.names[at]} (call {at})"
        here.attach()
        killed_at(here.lab, at, lambda: datapath.detach("eth0"))
        here.detach()
        assert_as(before, here.lab, where)
        assert (where, slots_in_use(here.lab)) == (where, slots)
