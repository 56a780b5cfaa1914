# SPDX-License-Identifier: GPL-2.0-only
"""A VF that has just appeared is udev's first, but not for ever."""

from netvsc_bpf.manager.reconcile.udev_wait import UdevWait
from netvsc_bpf.manager.state.durations import Arrivals
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.planner.actions import Action, Attach, Join

VF = Nic(7, "eth1", "00:15:5d:01:02:03", 1500, False, False)
STEPS: list[Action] = [Attach(2), Join(2, VF)]


class World:
    now = 0
    busy = True

    def newcomers(self) -> UdevWait:
        arrivals = Arrivals()
        arrivals.observed([2, 7], 0)
        return UdevWait(arrivals, lambda _: self.busy, lambda: self.now)


def test_s10_vf_is_joined_once_udev_is_done_with_it() -> None:
    world = World()
    newcomers = world.newcomers()
    assert newcomers.without_unready(2, STEPS) == [Attach(2)]
    assert newcomers.wait_s([2]) is not None
    assert newcomers.wait_s([3]) is None, "a pair that is gone is not waited for"
    assert newcomers.without_unready(2, STEPS) == [Attach(2)]
    world.busy = False
    assert newcomers.without_unready(2, STEPS) == STEPS
    assert newcomers.wait_s([2]) is None


def test_s10_udev_that_never_answers_is_not_waited_for_long() -> None:
    world = World()
    newcomers = world.newcomers()
    assert newcomers.without_unready(2, STEPS) == [Attach(2)]
    world.now = 10_000_000_000
    assert newcomers.without_unready(2, STEPS) == STEPS
