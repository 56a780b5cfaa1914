# SPDX-License-Identifier: GPL-2.0-only
"""What each program decides, by what it sees of the devices."""

import pytest

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult, Returns
from netvsc_bpf.model.path import Liveness, Path, Reason
from netvsc_bpf.planner.damping import LOSSES
from tests.unit.programs.host import (
    IFINDEX,
    LINKWATCH_PENDING,
    LONG_AGO,
    NETDEV_CHANGE,
    NETDEV_GOING_DOWN,
    NETDEV_UNREGISTER,
    NETDEV_UP,
    NO_CARRIER,
    NOW,
    OTHER,
    OWN_MAC,
    PRESENT,
    START,
    SYNTHETIC,
    USABLE,
    VF,
    Event,
    Host,
)

PEER_MAC = bytes.fromhex("020000000099")
BROADCAST, GROUP, UNICAST = (
    target + PEER_MAC + bytes(52) for target in (b"\xff" * 6, bytes.fromhex("01005e010203"), OWN_MAC)
)
GO_ON, SHOT, REDIRECT = -1, 2, 7  # TC_ACT_UNSPEC, TC_ACT_SHOT, TC_ACT_REDIRECT
UNUSABLE = {
    Reason.VF_DOWN: PRESENT,
    Reason.VF_DETACHED: START,
    Reason.NO_CARRIER: USABLE | NO_CARRIER,
}


@pytest.fixture
def host() -> Host:
    """On the rung where the sentinel is."""
    return Host(Liveness.FENTRY)


@pytest.fixture
def live() -> Host:
    """On the rung where steer looks at the VF."""
    return Host(Liveness.LIVE)


def why(host: Host) -> Reason | None:
    return abi.REASONS[host.pair.reason]


def arms(host: Host) -> int:
    """How often the VF became the path."""
    return sum(host.pair.changes[abi.PATHS.index(Path.VF)])


def left(host: Host) -> tuple[bool, Reason | None]:
    return not host.pair.armed, why(host)


def test_s95_going_down_holds_the_vf_although_its_state_is_still_good(host: Host) -> None:
    host.happen(Event.NOTIFIER, argument=NETDEV_GOING_DOWN)
    assert left(host) == (True, Reason.VF_DOWN)
    assert host.vf.state == USABLE
    assert not any(host.packet() for _ in range(3))
    assert arms(host) == 0, "not even for a moment"
    host.happen(Event.NOTIFIER, argument=NETDEV_UP)
    assert [host.packet() for _ in range(2)] == [False, True], "it settles first"


@pytest.mark.parametrize("state", UNUSABLE.values())
def test_s106_vf_that_is_closed_because_it_is_removed_did_not_fail(
    host: Host, live: Host, state: int
) -> None:
    host.vf.dismantle = 1
    host.happen(Event.NOTIFIER, argument=NETDEV_GOING_DOWN)
    assert left(host) == (True, Reason.VF_GONE)
    live.vf.dismantle, live.vf.state = 1, state
    assert not live.packet()
    assert left(live) == (True, Reason.VF_GONE)


def test_s106_guard_leaves_it_as_removed_too(live: Host) -> None:
    live.set_pair(guard=2)
    live.vf.dismantle, live.vf.state = 1, PRESENT
    assert not live.guard_drops(BROADCAST)
    assert left(live) == (True, Reason.VF_GONE)


def test_s106_vf_whose_removal_has_begun_is_used_while_it_is_up(live: Host) -> None:
    live.vf.dismantle = 1
    assert live.packet()
    live.set_pair(guard=2)
    assert live.guard_drops(BROADCAST), "it is the path"


def test_s95_unregistered_vf_is_held(host: Host) -> None:
    host.happen(Event.NOTIFIER, argument=NETDEV_UNREGISTER)
    assert left(host) == (True, Reason.VF_GONE)
    assert not any(host.packet() for _ in range(3))


@pytest.mark.parametrize(("reason", "state"), UNUSABLE.items())
def test_s95_a_change_that_makes_it_unusable_is_seen(host: Host, reason: Reason, state: int) -> None:
    host.happen(Event.NOTIFIER, argument=NETDEV_CHANGE)
    assert host.pair.armed
    host.vf.state = state
    host.happen(Event.NOTIFIER, argument=NETDEV_CHANGE)
    assert left(host) == (True, reason)


@pytest.mark.parametrize(("reason", "state"), UNUSABLE.items())
def test_s95_steer_leaves_what_it_finds_unusable(live: Host, reason: Reason, state: int) -> None:
    assert live.packet()
    live.vf.state = state
    assert not live.packet()
    assert left(live) == (True, reason)


@pytest.mark.parametrize(("reason", "state"), UNUSABLE.items())
def test_s95_no_check_finds_it_usable_then(host: Host, reason: Reason, state: int) -> None:
    host.set_pair(armed=0)
    host.vf.state = state
    assert not host.packet()
    assert host.pair.usable_since == 0
    host.vf.state = USABLE
    assert [host.packet() for _ in range(2)] == [False, True], "it settles anew"


def test_s103_carrier_that_linkwatch_has_not_handled_is_waited_for_and_no_reason_to_leave(live: Host) -> None:
    """Until then the VF has no queueing discipline and drops everything; RTNL may be held for seconds."""
    live.vf.state = USABLE | LINKWATCH_PENDING
    assert live.packet(), "in use it stays so"
    live.set_pair(armed=0)
    assert not any(live.packet() for _ in range(3))
    assert live.pair.usable_since == 0
    live.vf.state = USABLE
    assert [live.packet() for _ in range(2)] == [False, True], "it settles from then on"


@pytest.mark.parametrize("device", [VF, SYNTHETIC])
def test_s95_steer_checks_that_both_devices_are_present(live: Host, device: int) -> None:
    live.unregister(device)
    assert not live.packet()
    assert left(live) == (True, Reason.VF_GONE)
    assert not live.packet()


@pytest.mark.parametrize("device", [VF, SYNTHETIC])
def test_s95_no_check_arms_if_one_of_them_is_gone(host: Host, device: int) -> None:
    host.set_pair(armed=0)
    host.unregister(device)
    assert not host.packet()
    assert host.control(ControlCommand.CHECK) is ControlResult.SYNTHETIC


def test_s95_it_has_settled_after_the_settle_time_and_not_before(host: Host) -> None:
    host.set_pair(armed=0, settle_ns=1000, usable_since=NOW)
    for later, armed in ((0, False), (999, False), (1000, True)):
        host.now(NOW + later)
        assert host.packet() is armed


def test_s95_another_cpu_may_have_noted_a_later_time(host: Host) -> None:
    host.set_pair(armed=0, settle_ns=1000, usable_since=NOW + 5)
    assert not host.packet()


@pytest.mark.parametrize("counter", ["carrier_up", "carrier_down"])
def test_s95_a_carrier_that_bounced_between_two_looks_settles_anew(host: Host, counter: str) -> None:
    host.set_pair(armed=0, settle_ns=1000)
    setattr(host.vf, counter, 1)
    assert not host.packet()
    assert host.pair.usable_since == NOW
    host.now(NOW + 1000)
    assert host.packet()


def test_s95_permit_verifies_the_offsets(host: Host) -> None:
    host.set_pair(armed=0, permitted=0, vf_dev=0)
    host.misname(IFINDEX[OTHER])
    assert host.control(ControlCommand.PERMIT) is ControlResult.BAD_LAYOUT
    assert (host.pair.permitted, host.pair.vf_dev) == (0, 0)


def test_s95_permission_resets_the_state_of_the_last_one(host: Host) -> None:
    host.set_pair(armed=0, permitted=0, vf_dev=0, held=1)
    assert host.control(ControlCommand.PERMIT, 1000) is ControlResult.SYNTHETIC
    assert (host.pair.permitted, host.pair.held, host.pair.usable_since) == (1, 0, NOW)
    host.now(NOW + 1000)
    assert host.packet()


def test_s95_permission_given_twice_changes_no_path(host: Host) -> None:
    assert host.control(ControlCommand.PERMIT, 1000) is ControlResult.VF
    assert (host.pair.armed, host.pair.settle_ns, host.pair.usable_since) == (1, 1000, LONG_AGO)


def test_s95_withdrawing_leaves_and_stores_the_reason_also_if_left_already(host: Host) -> None:
    for reason in (Reason.DRAINED, Reason.DAMPED):
        assert host.control(ControlCommand.WITHDRAW, abi.REASONS.index(reason)) is ControlResult.SYNTHETIC
        assert (host.pair.armed, host.pair.permitted, host.pair.vf_dev, why(host)) == (0, 0, 0, reason)
    assert host.control(ControlCommand.ARM) is ControlResult.SYNTHETIC
    assert not any(host.packet() for _ in range(3))


def test_s98_drained_pair_is_never_permitted_before_its_time(host: Host) -> None:
    until = NOW + 1000
    assert host.control(ControlCommand.DRAIN, until) is ControlResult.SYNTHETIC
    assert (host.pair.armed, host.pair.permitted, host.pair.vf_dev, why(host)) == (0, 0, 0, Reason.DRAINED)
    host.now(until - 1)
    assert host.control(ControlCommand.PERMIT, 77) is ControlResult.DRAINED
    assert (host.pair.permitted, host.pair.settle_ns) == (0, 77), "the settle time is for later"
    assert host.control(ControlCommand.ARM) is ControlResult.SYNTHETIC
    assert host.control(ControlCommand.CHECK) is ControlResult.SYNTHETIC
    assert not any(host.packet() for _ in range(3))
    assert arms(host) == 0


def test_s98_drain_whose_time_is_over_ends_with_a_permission(host: Host) -> None:
    host.control(ControlCommand.DRAIN, NOW + 1000)
    host.now(NOW + 1000)
    assert not host.packet(), "its VF may be down for it"
    assert host.pair.drained_until
    assert host.control(ControlCommand.PERMIT, 500) is ControlResult.SYNTHETIC
    assert (host.pair.drained_until, host.pair.permitted) == (0, 1)
    host.now(NOW + 1500)
    assert host.packet()


def test_s98_drain_without_a_time_ends_by_command_alone_and_is_permitted_anew(host: Host) -> None:
    host.control(ControlCommand.DRAIN, abi.DRAINED_INDEFINITELY)
    host.now(abi.DRAINED_INDEFINITELY)
    assert host.control(ControlCommand.PERMIT) is ControlResult.DRAINED
    host.now(NOW)
    assert host.control(ControlCommand.DRAIN, 0) is ControlResult.SYNTHETIC
    assert (host.pair.drained_until, why(host)) == (0, Reason.NOT_PERMITTED)
    assert not any(host.packet() for _ in range(3))
    host.control(ControlCommand.PERMIT)
    assert [host.packet() for _ in range(2)][-1]


def test_s98_to_undrain_what_is_not_drained_changes_nothing(host: Host) -> None:
    before = bytes(host.pair)
    assert host.control(ControlCommand.DRAIN, 0) is ControlResult.VF
    assert bytes(host.pair) == before


def test_s98_each_drain_is_one_change_of_path(host: Host) -> None:
    for _ in range(2):
        host.control(ControlCommand.DRAIN, abi.DRAINED_INDEFINITELY)
    changes = host.pair.changes[abi.PATHS.index(Path.SYNTHETIC)]
    assert (changes[abi.REASONS.index(Reason.DRAINED)], sum(changes)) == (1, 1)


def test_s95_the_watchdog_leaves_a_vf_whose_queue_is_stuck(live: Host) -> None:
    live.happen(Event.TIMEOUT, OTHER)
    assert live.pair.armed
    live.happen(Event.TIMEOUT)
    assert left(live) == (True, Reason.TX_TIMEOUT)


def test_s95_what_happens_to_other_devices_changes_nothing(host: Host) -> None:
    before = bytes(host.pair)
    host.devices[OTHER].ifindex = IFINDEX[VF]  # in another network namespace
    for event in (Event.CARRIER_OFF, Event.DETACH, Event.DOWN, Event.UP, Event.TIMEOUT):
        host.happen(event, OTHER)
    assert bytes(host.pair) == before


def test_s95_steer_does_nothing_by_another_number(host: Host) -> None:
    host.devices[SYNTHETIC].ifindex = IFINDEX[OTHER]
    assert not host.packet()
    assert host.pair.armed
    assert [path.packets for path in host.counters.tx] == [0, 0]


@pytest.mark.parametrize("rung", [Liveness.FENTRY, Liveness.LIVE])
def test_s95_home_does_nothing_for_another_vf(rung: Liveness) -> None:
    host = Host(rung)
    assert host.home_answers(UNICAST) == REDIRECT
    assert host.home_answers(UNICAST, OTHER) == GO_ON
    assert host.counters.rx[1].packets == 1


def test_s95_home_does_nothing_once_its_vf_goes(host: Host, live: Host) -> None:
    host.happen(Event.NOTIFIER, OTHER, argument=NETDEV_UNREGISTER)
    assert host.home_answers(UNICAST) == REDIRECT
    host.happen(Event.NOTIFIER, argument=NETDEV_UNREGISTER)
    assert host.home_answers(UNICAST) == GO_ON
    live.unregister(VF)
    assert live.home_answers(UNICAST) == GO_ON


def test_s95_guard_passes_where_the_vf_is_not(live: Host) -> None:
    live.set_pair(guard=2)
    live.devices[SYNTHETIC].net = 2
    assert not live.guard_drops(BROADCAST)
    assert left(live) == (True, Reason.VF_GONE)


def test_s95_a_nic_with_the_number_of_the_synthetic_one_may_go(host: Host) -> None:
    host.devices[OTHER].ifindex = IFINDEX[SYNTHETIC]
    host.happen(Event.NOTIFIER, OTHER, argument=NETDEV_UNREGISTER)
    assert (host.pair.armed, host.pair.permitted) == (1, 1)


def test_s95_the_permission_ends_with_the_synthetic_nic(host: Host) -> None:
    host.happen(Event.NOTIFIER, SYNTHETIC, argument=NETDEV_UNREGISTER)
    assert (host.pair.armed, host.pair.permitted, why(host)) == (0, 0, Reason.VF_GONE)
    assert not any(host.packet() for _ in range(3))
    assert arms(host) == 0, "not even for a moment"


@pytest.mark.parametrize(("reason", "state"), UNUSABLE.items())
def test_s95_guard_checks_the_vf_before_it_drops(live: Host, reason: Reason, state: int) -> None:
    live.set_pair(guard=2)
    assert live.guard_drops(BROADCAST)
    live.vf.state = state
    assert not live.guard_drops(BROADCAST)
    assert left(live) == (True, reason)


def test_s95_guard_knows_a_device_that_took_the_place_of_the_vf_in_memory(live: Host) -> None:
    live.set_pair(guard=2)
    live.vf.ifindex = IFINDEX[OTHER]
    assert not live.guard_drops(BROADCAST)
    assert left(live) == (True, Reason.VF_GONE)


def test_s95_guard_passes_while_the_synthetic_nic_is_the_path(live: Host) -> None:
    live.set_pair(armed=0, guard=2)
    assert not live.guard_drops(BROADCAST)
    assert (live.counters.duplicates, live.counters.rx[0].packets) == (0, 1)


def test_s77_guard_counts_all_of_a_frame_that_came_in_several_buffers(live: Host) -> None:
    live.set_pair(armed=0, guard=1)
    assert not live.guard_drops(UNICAST, in_fragments=8_000)
    assert live.counters.rx[0].bytes == len(UNICAST) + 8_000


@pytest.mark.parametrize(
    ("mode", "dropped"),
    [(0, (False, False)), (1, (True, False)), (2, (True, True))],
    ids=["off", "mc", "all"],
)
def test_s95_guard_drops_what_its_mode_says(live: Host, mode: int, dropped: tuple[bool, bool]) -> None:
    live.set_pair(guard=mode)
    assert (live.guard_drops(BROADCAST), live.guard_drops(UNICAST)) == dropped


def test_s95_home_drops_only_what_the_synthetic_nic_receives_too(live: Host) -> None:
    live.set_pair(guard=1)
    assert SHOT not in [live.home_answers(kind) for kind in (UNICAST, BROADCAST, GROUP)], "the VF is the path"
    live.set_pair(guard=1, armed=0)
    assert live.home_answers(UNICAST) != SHOT
    assert [live.home_answers(kind) for kind in (BROADCAST, GROUP)] == [SHOT] * 2
    live.set_pair(guard=0, armed=0)
    assert live.home_answers(BROADCAST) != SHOT


def test_s95_each_change_of_path_is_counted_once(host: Host) -> None:
    for _ in range(2):
        host.happen(Event.CARRIER_OFF)
    changes = host.pair.changes[abi.PATHS.index(Path.SYNTHETIC)]
    assert changes[abi.REASONS.index(Reason.NO_CARRIER)] == 1
    assert sum(changes) == 1


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ARMED])
def test_s100_by_hand_a_failure_is_the_last_and_no_other_leaving_is(host: Host, reason: Reason) -> None:
    host.set_pair(returns=Returns.MANUAL)
    host.control(ControlCommand.DISARM, abi.REASONS.index(reason))
    assert why(host) is reason, "it says why the VF was left"
    assert (host.pair.returns == Returns.PENDING) == (reason in LOSSES)
    returned = any(host.packet() for _ in range(3))
    assert returned == (reason not in LOSSES)
    assert arms(host) == returned, "not even for a moment"


def test_s100_the_operator_allows_the_return_and_the_next_failure_is_the_last_again(host: Host) -> None:
    host.set_pair(returns=Returns.MANUAL)
    for times in (1, 2):
        host.control(ControlCommand.DISARM, abi.REASONS.index(Reason.NO_CARRIER))
        assert host.control(ControlCommand.PERMIT) is ControlResult.PENDING
        assert not any(host.packet() for _ in range(3))
        host.control(ControlCommand.RETURN, Returns.MANUAL)
        assert any(host.packet() for _ in range(3))
        assert arms(host) == times


def test_s100_with_the_policy_auto_it_returns_by_itself_also_what_waited(host: Host) -> None:
    host.set_pair(returns=Returns.MANUAL)
    host.control(ControlCommand.DISARM, abi.REASONS.index(Reason.NO_CARRIER))
    host.control(ControlCommand.RETURN, Returns.AUTO)
    assert host.pair.returns == Returns.AUTO
    assert any(host.packet() for _ in range(3))
