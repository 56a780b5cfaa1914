# SPDX-License-Identifier: GPL-2.0-only
"""What a manager holds while VFs come and go, and many pairs at once. How fast, and how much: see bench/."""

from collections.abc import Callable
from pathlib import Path

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path as WayOut
from netvsc_bpf.model.path import Reason
from tests.kernel.support.manager import Manager
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]


def held(manager: Manager) -> tuple[int, int]:
    """Descriptors and threads."""
    process = Path(f"/proc/{manager.process.pid}")
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))


def flap(lab: Lab, times: int) -> None:
    for number in range(times):
        if number % 5:
            lab.vf_down()
            lab.vf_up()
        else:
            lab.unplug_vf()
            lab.plug_vf(up=False)


def comes_to_rest(manager: Manager) -> bool:
    reason = Reason.DAMPED if manager.events_of("damped") else Reason.ARMED
    return manager.where is not None and manager.where[1] is reason


def test_s70_flaps_leave_no_descriptor_or_thread_behind_in_the_manager(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "10")
    manager.wait_vf()
    counts = []
    for times in (20, 80, 80):  # what is started only when it is first needed is there by the second
        flap(lab, times)
        eventually("at rest", lambda: comes_to_rest(manager))
        counts.append(held(manager))
    eventually(f"no more than the last of {counts[:-1]}", lambda: held(manager) <= counts[-2])


def test_bcc_is_never_loaded_into_the_manager(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    libraries = Path(f"/proc/{manager.process.pid}/maps").read_text()
    assert "libbcc" not in libraries
    assert "libbpf" in libraries, "a check of the check"


def test_s61_many_pairs_that_flap_at_once_are_all_used_again(lab_factory: LabFactory, start: Start) -> None:
    count = 24
    lab = lab_factory(LabPlan(pairs=count, fabric=Fabric.NONE))
    names = [f"eth{number}" for number in range(count)]
    manager = start(lab, *names, "--settle", "10")

    def used() -> int:
        return sum(one.path is WayOut.VF for one in manager.statuses())

    eventually("all used", lambda: used() == count)
    for number in range(count):
        lab.vf_down(number)
    eventually("none used", lambda: used() == 0)
    for number in range(count):
        lab.vf_up(number)
    eventually("all used again", lambda: used() == count)
    for number in range(count):
        lab.unplug_vf(number)
    for number in range(count):
        lab.plug_vf(number, up=False)
    eventually("all used after they came anew", lambda: used() == count)
