# SPDX-License-Identifier: GPL-2.0-only
"""A day of flapping, replayed in simulated time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from netvsc_bpf.manager.state.pair_state import PairMemory
from netvsc_bpf.model.path import LeavePolicy
from netvsc_bpf.planner.damping import Damper, DampingPolicy
from netvsc_bpf.planner.flaps import failed_meanwhile
from netvsc_bpf.planner.plan import Wanted, plan
from netvsc_bpf.planner.removals import Charges
from tests.unit.planner.world import World

HOUR = 3600.0
FLAPS_AN_HOUR = 900
SETTLE_S = 0.1


@dataclass
class Day:
    """The kernel (which arms and leaves), the manager (memory and planner), and a clock."""

    world: World = field(default_factory=World)
    memory: PairMemory = field(default_factory=lambda: PairMemory(Charges(Damper(DampingPolicy()))))
    now: float = 1000.0
    promotions: list[float] = field(default_factory=list)
    leave: LeavePolicy = LeavePolicy.STEER

    def __post_init__(self) -> None:
        self.world.plug(up=True)
        self.manage()
        self.settle()

    def manage(self) -> None:
        """Reconcile."""
        for _ in range(10):
            seen = self.world.observe()
            self.memory.observed(seen, self.now)
            steps = plan(seen, Wanted(damped=self.memory.damper.suppressed, leave=self.leave))
            if not steps:
                return
            self.world.execute(steps)
        raise AssertionError("steps are left after every round")

    def settle(self) -> None:
        """Let the settle time pass; the kernel arms."""
        self.now += SETTLE_S
        vf = None if self.world.devmap is None else self.world.vfs[self.world.devmap]
        if vf is not None and vf.up and vf.carrier and self.world.permitted and not self.world.armed:
            self.world.armed = True
            self.promotions.append(self.now)

    def left(self) -> None:
        """The kernel finds the VF dead, and says so if it was in use."""
        if self.world.armed:
            self.world.armed = False
            self.memory.charges = self.memory.charges.failed(self.world.devmap or 0, self.now)

    def carrier_flap(self) -> None:
        assert self.world.devmap is not None
        self.world.change_vf(self.world.devmap, carrier=False)
        self.bounced(lambda vf: self.world.change_vf(vf, carrier=True))

    def removal_flap(self) -> None:
        """The kernel leaves it as removed, which costs nothing."""
        assert self.world.devmap is not None
        self.world.unplug(self.world.devmap)
        self.bounced(lambda _: self.world.plug(up=True))

    def removal_in_two_steps(self) -> None:
        """The driver takes the link away first, which looks like a failure."""
        assert self.world.devmap is not None
        self.left()
        self.world.change_vf(self.world.devmap, carrier=False)
        self.manage()
        self.now += 0.1
        self.removal_flap()

    def bounced(self, mend: Callable[[int], object]) -> None:
        vf = self.world.devmap or 0
        self.left()
        self.manage()
        self.now += 1.0
        mend(vf)
        self.manage()
        self.settle()
        self.now += HOUR / FLAPS_AN_HOUR - 1.0 - SETTLE_S
        self.manage()

    def in_hour(self, number: int, begin: float) -> int:
        return sum(begin + number * HOUR <= at < begin + (number + 1) * HOUR for at in self.promotions)


@pytest.mark.parametrize(
    ("flap", "leave", "first_hour"),
    [
        (Day.carrier_flap, LeavePolicy.STEER, 5),
        # A VF that is down shows no carrier: it is tried as one that fails only when it is used.
        (Day.carrier_flap, LeavePolicy.DOWN, 8),
    ],
    ids=["carrier", "carrier-down"],
)
def test_s20_a_day_of_900_flaps_an_hour(
    flap: Callable[[Day], None], leave: LeavePolicy, first_hour: int
) -> None:
    day = Day(leave=leave)
    assert len(day.promotions) == 1
    begin = day.now
    for _ in range(24 * FLAPS_AN_HOUR):
        flap(day)
    hours = [day.in_hour(number, begin) for number in range(24)]
    assert hours[0] <= first_hour and max(hours[1:]) <= 5, hours
    assert not day.world.armed and day.world.devmap is not None, "it is joined, and waits"

    wait = day.memory.damper.reuse_in_s(day.now)
    assert wait is not None and wait <= 26.5 * 60
    day.now += wait + 1
    day.manage()
    day.settle()
    assert day.world.armed, "calm again, it is used again"


@pytest.mark.parametrize(
    "removal", [Day.removal_flap, Day.removal_in_two_steps], ids=["removal", "two-steps"]
)
@pytest.mark.parametrize("leave", list(LeavePolicy))
def test_s106_vf_that_is_removed_any_number_of_times_is_never_damped(
    removal: Callable[[Day], None], leave: LeavePolicy
) -> None:
    day = Day(leave=leave)
    for number in range(100):
        removal(day)
        assert day.memory.damper.figure == 0 and not day.memory.damper.suppressed, number
        assert day.world.armed, f"used again after {number}"


@pytest.mark.parametrize(
    "removal", [Day.removal_flap, Day.removal_in_two_steps], ids=["removal", "two-steps"]
)
def test_s106_vf_that_flaps_is_damped_however_often_it_is_removed_in_between(
    removal: Callable[[Day], None],
) -> None:
    day = Day()
    for _ in range(4):
        assert not day.memory.damper.suppressed
        removal(day)
        day.carrier_flap()
    assert day.memory.damper.suppressed
    removal(day)
    assert day.memory.damper.suppressed and not day.world.armed, "another VF of a damped pair waits too"


def test_s20_vf_that_fails_only_when_it_is_used() -> None:
    day = Day()
    begin, day.promotions = day.now, []
    while day.now < begin + 24 * HOUR:
        # Two seconds of use, then the transmit watchdog: the device itself never goes down.
        day.now += 2.0
        day.left()
        day.manage()
        day.now += day.memory.damper.reuse_in_s(day.now) or 0.0
        day.now += 0.1
        day.manage()
        day.settle()
    hours = [day.in_hour(number, begin) for number in range(24)]
    assert max(hours[1:]) <= 5 and hours[0] <= 8, hours


def test_s21_bounces_within_the_settle_time_leave_nothing_behind() -> None:
    day = Day()
    vf = day.world.devmap
    assert vf is not None
    for _ in range(100):
        day.world.change_vf(vf, carrier=False)
        day.left()
        day.manage()
        day.world.change_vf(vf, carrier=True)
        day.manage()
        day.now += SETTLE_S / 2
    assert len(day.promotions) == 1 and not day.memory.damper.suppressed
    day.settle()
    assert day.world.armed


def test_synthetic_nic_that_is_switched_off_and_on_costs_the_vf_nothing() -> None:
    day = Day()
    for _ in range(50):
        day.world.change_synthetic(up=False)
        day.manage()
        day.left()
        day.world.change_synthetic(up=True)
        day.manage()
        day.settle()
    assert day.memory.damper.figure == 0 and day.world.armed


def test_released_vf_did_not_fail() -> None:
    day = Day()
    assert day.world.devmap is not None
    before = day.world.observe()
    day.world.change_vf(day.world.devmap, master=99)
    assert failed_meanwhile(before, day.world.observe()) is None
    day.manage()
    assert failed_meanwhile(before, day.world.observe()) is None
    assert failed_meanwhile(None, before) is None
