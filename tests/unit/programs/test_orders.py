# SPDX-License-Identifier: GPL-2.0-only
"""The latch's own C in every order of what CPUs do at once: a VF that failed is never left armed.

tests/unit/latch checks the protocol, this the code. It runs on one CPU, which reorders nothing.
"""

from collections.abc import Sequence
from functools import partial

import pytest

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, Returns
from netvsc_bpf.model.path import Liveness, Reason
from tests.unit.programs.host import NOW, USABLE, Event, Host, Skip, Work, control, happens

DRAINED = abi.REASONS.index(Reason.DRAINED)

CHECK = control(ControlCommand.CHECK)
WITHDRAW, PERMIT = control(ControlCommand.WITHDRAW, DRAINED), control(ControlCommand.PERMIT)
DRAIN, UNDRAIN = control(ControlCommand.DRAIN, abi.DRAINED_INDEFINITELY), control(ControlCommand.DRAIN)
ARM = control(ControlCommand.ARM)
CARRIER_OFF, DETACH = happens(Event.CARRIER_OFF), happens(Event.DETACH)
DOWN, UP = happens(Event.DOWN), happens(Event.UP)
TIMEOUT = control(ControlCommand.DISARM, abi.REASONS.index(Reason.TX_TIMEOUT))
STALLED = control(ControlCommand.WITHDRAW, abi.REASONS.index(Reason.STALLED))

ORDERS = {
    "a carrier is lost, another CPU looks twice": [[CARRIER_OFF], [CHECK, CHECK]],
    "a device is detached, another CPU looks twice": [[DETACH], [CHECK, CHECK]],
    "down and up, another CPU looks twice": [[DOWN, UP], [CHECK, CHECK]],
    "down, another CPU looks twice": [[DOWN], [CHECK, CHECK]],
    "two leave, a third one looks": [[CARRIER_OFF], [DOWN], [CHECK]],
    "withdrawn, one leaves, a third one looks": [[WITHDRAW], [CARRIER_OFF], [CHECK]],
    "withdrawn and permitted again, another CPU looks": [[WITHDRAW, PERMIT], [CHECK]],
    "withdrawn, another CPU looks twice": [[WITHDRAW], [CHECK, CHECK]],
    "drained, another CPU looks twice": [[DRAIN], [CHECK, CHECK]],
    "drained, undrained and permitted again, another CPU looks": [[DRAIN, UNDRAIN, PERMIT], [CHECK]],
    "drained while another process has it armed": [[DRAIN], [ARM]],
    "withdrawn while another process has it armed": [[WITHDRAW], [ARM]],
    "down while another process has it armed": [[DOWN], [ARM]],
}


def left_armed(host: Host) -> bool:
    pair = host.pair
    may = pair.permitted and pair.vf_dev and not pair.held
    return bool(pair.armed) and not (may and host.vf.state & 7 == USABLE)


def violations(host: Host, cpus: Sequence[Sequence[Work]], **start: int) -> list[list[int]]:
    return [turns for turns in host.orders(cpus, lambda: host.set_pair(**start)) if left_armed(host)]


@pytest.fixture(scope="module")
def host() -> Host:
    return Host(Liveness.FENTRY)


@pytest.mark.parametrize("cpus", ORDERS.values(), ids=ORDERS.keys())
@pytest.mark.parametrize("armed", [0, 1])
def test_s95_a_vf_that_failed_is_never_left_armed(host: Host, cpus: list[list[Work]], armed: int) -> None:
    assert violations(host, cpus, armed=armed) == []


BY_HAND = {
    "it times out, another CPU looks twice": [[TIMEOUT], [CHECK, CHECK]],
    "it is found stalled, another CPU looks": [[STALLED], [CHECK]],
    "down and up, another CPU looks twice": [[DOWN, UP], [CHECK, CHECK]],
    "a carrier is lost, another process has it armed": [[CARRIER_OFF], [ARM]],
    "it times out, another process has it armed": [[TIMEOUT], [ARM]],
    "it times out, and is permitted at the same time": [[TIMEOUT], [PERMIT, CHECK]],
}


@pytest.mark.parametrize("cpus", BY_HAND.values(), ids=BY_HAND.keys())
def test_s100_a_vf_that_failed_waits_for_the_operator(host: Host, cpus: list[list[Work]]) -> None:
    ends = [
        (host.pair.armed, host.pair.returns)
        for _ in host.orders(cpus, lambda: host.set_pair(returns=Returns.MANUAL))
    ]
    assert set(ends) == {(0, Returns.PENDING)}


@pytest.mark.parametrize("event", [Event.CARRIER_OFF, Event.DETACH])
@pytest.mark.parametrize("skipped", [Skip.ENTRY, Skip.RETURN])
def test_s95_a_program_that_an_interrupt_finds_running_is_not_all_there_is(
    host: Host, event: Event, skipped: Skip
) -> None:
    host.reset()
    host.happen(event, skipped=skipped)
    assert not host.pair.armed


@pytest.mark.parametrize("withdrawn", [True, False])
def test_s95_a_check_that_begins_before_a_permission_does_not_arm(host: Host, withdrawn: bool) -> None:
    """A VF that is permitted again settles again, whatever was read of it before."""
    permit = control(ControlCommand.PERMIT, NOW // 2)
    cpus = [[permit] if withdrawn else [WITHDRAW, permit], [CHECK]]
    before = {"permitted": 0, "vf_dev": 0} if withdrawn else {}
    begin = partial(host.set_pair, armed=0, settle_ns=NOW // 2, **before)
    ends = [host.pair.armed for _ in host.orders(cpus, begin)]
    assert ends
    assert not any(ends)
