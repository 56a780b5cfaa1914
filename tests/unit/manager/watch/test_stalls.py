# SPDX-License-Identifier: GPL-2.0-only
"""A VF that swallows frames whenever it is used, in simulated time: memory, damping and planner together."""

from dataclasses import dataclass, field

from netvsc_bpf.manager.state.pair_state import PairMemory
from netvsc_bpf.manager.state.pair_states import PairMemories
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.damping import Damper, DampingPolicy
from netvsc_bpf.planner.plan import Wanted, plan
from netvsc_bpf.planner.removals import Charges
from netvsc_bpf.planner.stall import Stall, StallPolicy
from tests.unit.planner.world import World

HOUR = 3600.0
NOTICED_S = 6.0
POLICY = StallPolicy()


@dataclass
class Days:
    """The manager does what it does in reconcile.py; the kernel arms what is permitted."""

    world: World = field(default_factory=World)
    memory: PairMemory = field(default_factory=lambda: PairMemory(Charges(Damper(DampingPolicy()))))
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.world.plug(up=True)
        self.manage()

    def manage(self) -> None:
        for _ in range(10):
            seen = self.world.observe()
            self.memory.observed(seen, self.now)
            held = self.memory.held(seen, self.now)
            steps = plan(seen, Wanted(damped=self.memory.damper.suppressed, held=held))
            if not steps:
                return
            self.world.execute(steps)
        raise AssertionError("it never settles")

    def stall(self) -> None:
        """The VF is used, nothing gets out, and that is noticed."""
        assert self.world.permitted and self.world.devmap is not None
        self.now += NOTICED_S
        self.memory.hold = self.memory.hold.stalled(self.world.devmap, self.now, POLICY)
        self.memory.charges = self.memory.charges.failed(self.world.devmap, self.now)
        self.manage()

    def wait(self) -> float:
        """Wait for as long as the manager does; return how long that was."""
        begun = self.now
        while not self.world.permitted:
            wait = self.memory.wait_s(self.now)
            assert wait is not None, "nothing would ever wake it again"
            self.now += wait + 0.001
            self.manage()
        return self.now - begun


def test_s22_each_return_comes_later_and_the_fourth_stall_is_damped() -> None:
    days, waits = Days(), []
    for _ in range(3):
        days.stall()
        assert days.world.reason is Reason.STALLED
        waits.append(round(days.wait()))
    assert waits == [30, 60, 120]
    days.stall()
    assert days.world.reason is Reason.DAMPED
    assert days.wait() > 13 * 60


def test_s22_vf_that_stalls_for_ever_costs_seconds_an_hour() -> None:
    days = Days()
    begun, stalls = days.now, []
    while days.now < begun + 24 * HOUR:
        days.stall()
        stalls.append(days.now)
        days.wait()
    by_hour = [sum(begun + h * HOUR <= at < begun + (h + 1) * HOUR for at in stalls) for h in range(24)]
    assert by_hour[0] <= 8 and max(by_hour[1:]) <= 5, by_hour


def test_vf_that_is_plugged_in_instead_is_used_at_once() -> None:
    days = Days()
    days.stall()
    assert days.world.devmap is not None
    days.world.unplug(days.world.devmap)
    days.world.plug(up=True)
    days.manage()
    assert days.world.permitted


def test_s22_a_new_manager_holds_back_what_was_held_back_and_nothing_else() -> None:
    days, reported = Days(), list[Stall]()
    memories = PairMemories(
        DampingPolicy(), POLICY, lambda stall, _: reported.append(stall), lambda: days.now
    )
    memory = memories.observed(days.world.observe(), days.now)
    assert not memory.held(days.world.observe(), days.now), "it was in use"
    days.world.execute_one(act.Withdraw(days.world.synthetic.ifindex, Reason.STALLED))
    assert not memories.observed(days.world.observe(), days.now).held(days.world.observe(), days.now), (
        "its own withdrawals it knows of from elsewhere"
    )
    another = PairMemories(DampingPolicy(), POLICY, lambda stall, _: reported.append(stall), lambda: days.now)
    memory = another.observed(days.world.observe(), days.now)
    assert memory.held(days.world.observe(), days.now + POLICY.hold_s - 1)
    assert not memory.held(days.world.observe(), days.now + POLICY.hold_s + 1)
    assert [one.vf for one in reported] == [days.world.devmap]
