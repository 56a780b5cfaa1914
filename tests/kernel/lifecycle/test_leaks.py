# SPDX-License-Identifier: GPL-2.0-only
"""attach, flap, detach, over and over: nothing grows. `make bench-leak` does it a thousand times."""

import threading
from collections.abc import Callable
from pathlib import Path

from netvsc_bpf.lab.objects_alive import Object, alive, pinned
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.direct import Direct, direct
from tests.kernel.faults import slots_in_use
from tests.kernel.machine import eventually, pins, unchanged

LabFactory = Callable[..., Lab]


def cycle(here: Direct) -> set[Object]:
    """Attach, flap, detach; return the kernel's objects that this took."""
    here.attach()
    objects = pinned(pins())
    for _ in range(2):
        here.lab.vf_down()
        here.lab.vf_up()
    here.detach()
    return objects


def test_s70_cycles_with_programs_loaded_leave_nothing(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    with direct(lab) as here:
        here.attach("eth1")
        cycle(here)
        kept, slots, count = pinned(pins()), slots_in_use(lab), len(list(Path("/proc/self/fd").iterdir()))
        threads = threading.active_count()
        taken: set[Object] = set()
        with unchanged(lab):
            for _ in range(25):
                taken |= cycle(here) - kept
        eventually("links of earlier cycles are gone", lambda: not alive(taken))
        assert {kind for kind, _ in taken} == {"link", "prog", "map"}, "programs of its own, and its options"
        assert (pinned(pins()), slots_in_use(lab)) == (kept, slots)
        assert len(list(Path("/proc/self/fd").iterdir())) == count
        assert threading.active_count() == threads


def test_s70_cycles_from_nothing_leave_nothing(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    with direct(lab) as here, unchanged(lab):
        taken = cycle(here) | cycle(here) | cycle(here)
        assert {kind for kind, _ in taken} == {"map", "prog", "link"}
        eventually("objects of earlier cycles are gone", lambda: not alive(taken))
