# SPDX-License-Identifier: GPL-2.0-only
"""Whatever happens, in any order, noticed once, twice, late or never: plan.py's three promises hold."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from netvsc_bpf.model.path import LeavePolicy, Reason, ReturnPolicy
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation
from netvsc_bpf.planner.plan import Wanted, plan
from tests.unit.planner.world import MAC, OTHER_MACS, StepFailed, World

ENOUGH_ROUNDS = 10
"""The manager's limit of rounds before it reports that something works against it."""
MTUS = st.sampled_from([1280, 1500, 4000, 9000])
MACS = st.sampled_from([MAC, *OTHER_MACS])


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.wanted = Wanted()
        self.noticed: PairObservation | None = None

    # What the host, the operator and other programs do.

    @rule(mtu=MTUS, limit=st.sampled_from([1500, 4000, 9000]), stubborn=st.booleans(), up=st.booleans())
    def plug(self, mtu: int, limit: int, stubborn: bool, up: bool) -> None:
        if len(self.world.vfs) < 3:
            self.world.plug(mtu=mtu, limit=limit, stubborn=stubborn, up=up)

    @precondition(lambda self: self.world.vfs)
    @rule(data=st.data())
    def unplug(self, data: st.DataObject) -> None:
        self.world.unplug(self.some_vf(data))

    @rule(mtu=MTUS)
    def synthetic_mtu(self, mtu: int) -> None:
        self.world.change_synthetic(mtu=mtu)

    @rule(mac=MACS)
    def synthetic_mac(self, mac: str) -> None:
        self.world.change_synthetic(mac=mac)

    @rule(up=st.booleans())
    def synthetic_up(self, up: bool) -> None:
        self.world.change_synthetic(up=up)

    @rule(promiscuity=st.integers(0, 2), allmulti=st.integers(0, 2))
    def synthetic_flags(self, promiscuity: int, allmulti: int) -> None:
        self.world.change_synthetic(promiscuity=promiscuity, allmulti=allmulti)

    @precondition(lambda self: self.world.vfs)
    @rule(data=st.data(), up=st.booleans(), carrier=st.booleans())
    def vf_flaps(self, data: st.DataObject, up: bool, carrier: bool) -> None:
        self.world.change_vf(self.some_vf(data), up=up, carrier=carrier)

    @precondition(lambda self: self.world.vfs)
    @rule(data=st.data(), mtu=MTUS)
    def vf_mtu(self, data: st.DataObject, mtu: int) -> None:
        ifindex = self.some_vf(data)
        self.world.change_vf(ifindex, mtu=min(mtu, self.world.mtu_limit[ifindex]))

    @precondition(lambda self: self.world.vfs)
    @rule(data=st.data(), mtu=MTUS)
    def vf_takes_an_mtu_that_it_refused(self, data: st.DataObject, mtu: int) -> None:
        ifindex = self.some_vf(data)
        self.world.mtu_limit[ifindex] = max(mtu, self.world.mtu_limit[ifindex])
        self.world.change_vf(ifindex, mtu=mtu)

    @precondition(lambda self: self.world.vfs)
    @rule(data=st.data(), mac=MACS)
    def vf_mac(self, data: st.DataObject, mac: str) -> None:
        self.world.change_vf(self.some_vf(data), mac=mac)

    @precondition(lambda self: self.world.vfs)
    @rule(data=st.data(), master=st.sampled_from([None, 99]))
    def vf_into_a_bridge(self, data: st.DataObject, master: int | None) -> None:
        self.world.change_vf(self.some_vf(data), master=master)

    @rule(steer=st.booleans(), guard=st.booleans(), home=st.booleans())
    def hooks_removed(self, steer: bool, guard: bool, home: bool) -> None:
        self.world.steer &= not steer
        self.world.guard &= not guard
        self.world.home = None if home else self.world.home

    @rule(
        damped=st.booleans(),
        held=st.sampled_from([None, Reason.STALLED, Reason.UNREACHABLE]),
        settle_ms=st.sampled_from([10, 100]),
        leave=st.sampled_from(LeavePolicy),
        returns=st.sampled_from(ReturnPolicy),
    )
    def wants_change(
        self, damped: bool, held: Reason | None, settle_ms: int, leave: LeavePolicy, returns: ReturnPolicy
    ) -> None:
        self.wanted = Wanted(settle_ms, damped, held, leave=leave, returns=returns)

    @rule()
    def the_vf_in_use_fails(self) -> None:
        if self.world.armed:
            self.world.fail()

    @rule(known=st.booleans())
    def another_thread_withdraws(self, known: bool) -> None:
        """For a stall, which the manager knows of then; or as a step hangs on a VF that is not in use."""
        if self.world.devmap is not None:
            self.wanted = replace(self.wanted, held=self.wanted.held or (Reason.STALLED if known else None))
            self.world.execute_one(act.Withdraw(self.world.synthetic.ifindex, Reason.STALLED))

    @rule(take_down=st.booleans())
    def operator_drains(self, take_down: bool) -> None:
        self.world.drain(take_down=take_down)

    @rule()
    def operator_undrains(self) -> None:
        self.world.undrain()

    @rule()
    def the_kernel_arms(self) -> None:
        self.world.armed = self.world.permitted and self.world.devmap is not None

    # What the manager does. An event that is lost is a rule that does not run; a duplicate runs twice.

    @rule()
    def reconcile(self) -> None:
        self.round()

    @rule(fails_at=st.integers(0, 2))
    def reconcile_with_a_step_that_fails(self, fails_at: int) -> None:
        self.round(fails_at)

    @precondition(lambda self: self.world.devmap is None and self.world.steer)
    @rule()
    def killed_while_joining(self) -> None:
        suitable = self.world.suitable()
        if len(suitable) == 1 and not self.world.found_vf:
            self.world.join_half_way(suitable[0].ifindex)

    @rule()
    def look(self) -> None:
        self.noticed = self.world.observe()

    @precondition(lambda self: self.noticed is not None)
    @rule()
    def act_upon_an_old_look(self) -> None:
        assert self.noticed is not None
        for step in self.planned(self.noticed):
            try:
                self.world.execute_one(step)
            except StepFailed:
                break

    @rule()
    def calm(self) -> None:
        self.comes_to_rest()

    def teardown(self) -> None:
        self.comes_to_rest()

    # What must hold.

    @invariant()
    def a_plan_is_safe_by_itself(self) -> None:
        self.planned(self.world.observe())

    def planned(self, seen: PairObservation) -> list[act.Action]:
        """Check a plan against what it was made from."""
        steps = plan(seen, self.wanted)
        joined = seen.joined
        for step in steps:
            if isinstance(step, act.Permit):
                assert joined is not None and joined.home and seen.synthetic.up
                pending = seen.pending and self.wanted.returns is ReturnPolicy.MANUAL
                assert not (self.wanted.damped or self.wanted.held or seen.drained or pending)
                assert (joined.vf.mac, joined.vf.mtu) == (seen.synthetic.mac, seen.synthetic.mtu)
                assert joined.denied is None
        if joined is not None and joined.permitted and steps:
            harmless = (
                act.Withdraw,
                act.FollowFlags,
                act.Attach,
                act.Permit,
                act.FollowUp,
                act.ReplaceInterim,
            )
            assert isinstance(steps[0], harmless) or self.in_step(seen), steps
        return steps

    def in_step(self, seen: PairObservation) -> bool:
        """The VF has what the synthetic NIC has: a step that only notes so needs no withdrawal."""
        joined = seen.joined
        return (
            joined is not None
            and joined.home
            and (joined.vf.mac, joined.vf.mtu) == (seen.synthetic.mac, seen.synthetic.mtu)
            and seen.candidate is not None
            and seen.candidate.ifindex == joined.vf.ifindex
        )

    def round(self, fails_at: int | None = None) -> bool:
        """Look, plan, act; return whether there was anything to do."""
        steps = self.planned(self.world.observe())
        for number, step in enumerate(steps):
            if self.world.permitted and self.world.devmap is not None and not self.world.fits():
                assert isinstance(step, act.Withdraw), f"{step} on a VF that is permitted and does not fit"
            if number == fails_at:
                break
            self.world.execute_one(step)
            if isinstance(step, act.Permit):
                assert self.world.fits()
        return bool(steps)

    def comes_to_rest(self) -> None:
        rounds = 0
        while self.round():
            rounds += 1
            assert rounds <= ENOUGH_ROUNDS, "steps are left after every round"
        self.is_right()

    def is_right(self) -> None:
        world = self.world
        assert world.steer and world.guard
        if world.devmap is None:
            assert len(world.suitable()) != 1, "the only VF was not taken"
            assert not world.found_vf and world.home is None
            return
        assert not (world.interim and world.home), "home has its link in the end"
        vf = world.vfs[world.devmap]
        assert vf in world.suitable()
        too_large = world.synthetic.mtu > world.mtu_limit[vf.ifindex]
        denied = world.denied is Reason.MTU_REFUSED
        # It is asked again when its MTU or the synthetic NIC's changes, not at every look.
        assert denied if too_large else not (denied and vf.mtu == world.synthetic.mtu)
        drained = world.drained is not None
        assert world.returns is self.wanted.returns
        pending = world.pending
        left_alone = drained or pending or self.wanted.damped or self.wanted.held is not None
        assert world.permitted == (world.synthetic.up and not denied and not left_alone)
        if left_alone and world.synthetic.up and not denied:
            why = Reason.DAMPED if self.wanted.damped else self.wanted.held
            why = Reason.MANUAL if pending else why
            assert world.reason is (Reason.DRAINED if drained else why), "it says why"
        decided = denied or left_alone
        down = decided and world.synthetic.up and self.wanted.leave is LeavePolicy.DOWN
        if down:
            assert not vf.up, "what we do not use is down"
        else:
            assert world.followed.up == world.synthetic.up
        if not denied:
            flags = (world.synthetic.promiscuity > 0, world.synthetic.allmulti > 0)
            assert (world.followed.promisc, world.followed.allmulti) == flags
        if world.permitted:
            assert world.fits() and world.settle_ms == self.wanted.settle_ms

    def some_vf(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.world.vfs)))


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
