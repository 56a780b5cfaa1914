# SPDX-License-Identifier: GPL-2.0-only
"""The latch (ebpf/latch.h), packet by packet: steer and control run by BPF_PROG_TEST_RUN, with no traffic."""

import time
from collections.abc import Callable, Iterator

import pytest

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.attachment import Attachment, armed_and_silent
from tests.kernel.support.devices import link
from tests.kernel.support.waiting import eventually

HOUR_NS = 3_600 * 1_000_000_000
SETTLE_NS = 100_000_000
TICK_NS = 10_000_000


@pytest.fixture
def pair(lab_factory: Callable[[LabPlan], Lab]) -> Iterator[Attachment]:
    """An armed pair of a guest that is silent: the only packets are those that the test hands to steer."""
    with armed_and_silent(lab_factory) as made:
        yield made


def settle(pair: Attachment, settle_ns: int) -> None:
    """Change the settle time; the permission that is there stays as it is."""
    pair.control(ControlCommand.PERMIT, settle_ns)


def changed_at(pair: Attachment) -> int:
    """The last change of path by the clock of the settle time."""
    return CLOCKS.monotonic_of(pair.state().changed_at)


def changes(pair: Attachment) -> dict[tuple[Path, Reason | None], int]:
    counted = pair.state().changes
    return {
        (path, reason): counted[to][number]
        for to, path in enumerate(abi.PATHS)
        for number, reason in enumerate(abi.REASONS)
        if counted[to][number]
    }


def bounce_carrier(pair: Attachment) -> None:
    for on, flag in ((False, "NO-CARRIER"), (True, "LOWER_UP")):
        pair.lab.vf_carrier(on)
        eventually(flag, lambda flag=flag: flag in link(pair.lab, pair.lab.guest, "vf0")["flags"])


def test_s16_vf_is_armed_when_it_has_been_usable_for_the_settle_time_and_not_before(pair: Attachment) -> None:
    settle(pair, HOUR_NS)
    pair.lab.vf_down()
    assert pair.steer() is Path.SYNTHETIC
    pair.lab.vf_up()
    assert [pair.steer() for _ in range(100)] == [Path.SYNTHETIC] * 100
    since = pair.state().usable_since
    assert since > 0
    settle(pair, SETTLE_NS)
    assert pair.state().usable_since == since, "what it has settled is not forgotten"
    eventually("it is armed", lambda: pair.steer() is Path.VF)
    assert changed_at(pair) - since >= SETTLE_NS


@pytest.mark.guest
@pytest.mark.parametrize("bounce", ["carrier", "admin"])
def test_s21_bounce_between_two_looks_restarts_the_settle_time(pair: Attachment, bounce: str) -> None:
    settle(pair, HOUR_NS)
    pair.control(ControlCommand.DISARM, abi.REASONS.index(Reason.NO_CARRIER))
    assert pair.steer() is Path.SYNTHETIC
    first = pair.state()
    time.sleep((SETTLE_NS + TICK_NS) / 1e9)  # long enough, if there were no bounce
    if bounce == "carrier":
        bounce_carrier(pair)
    else:
        pair.lab.vf_down()
        pair.lab.vf_up()
        eventually("up", lambda: "LOWER_UP" in link(pair.lab, pair.lab.guest, "vf0")["flags"])
    settle(pair, SETTLE_NS)
    assert pair.steer() is Path.SYNTHETIC
    second = pair.state()
    assert second.usable_since >= first.usable_since + SETTLE_NS
    eventually("it is armed in the end", lambda: pair.steer() is Path.VF)
    assert changed_at(pair) - second.usable_since >= SETTLE_NS


def test_withdrawn_permission_disarms_at_once_and_for_good(pair: Attachment) -> None:
    withdrawn = pair.control(ControlCommand.WITHDRAW, abi.REASONS.index(Reason.DAMPED))
    assert withdrawn is ControlResult.SYNTHETIC
    time.sleep(5 * TICK_NS / 1e9)  # five times the settle time
    assert [pair.steer() for _ in range(10)] == [Path.SYNTHETIC] * 10
    assert pair.control(ControlCommand.CHECK) is ControlResult.SYNTHETIC
    assert pair.control(ControlCommand.ARM) is ControlResult.SYNTHETIC
    assert pair.where == (Path.SYNTHETIC, Reason.DAMPED)
    state = pair.state()
    assert (state.armed, state.permitted, state.vf_dev) == (0, 0, 0)

    assert pair.control(ControlCommand.PERMIT, SETTLE_NS) is ControlResult.SYNTHETIC
    eventually("it is armed again", lambda: pair.steer() is Path.VF)


def test_disarmed_pair_keeps_its_permission_and_settles_again(pair: Attachment) -> None:
    settle(pair, SETTLE_NS)
    before = CLOCKS.monotonic()
    assert (
        pair.control(ControlCommand.DISARM, abi.REASONS.index(Reason.TX_TIMEOUT)) is ControlResult.SYNTHETIC
    )
    assert pair.steer() is Path.SYNTHETIC
    eventually("it is armed again", lambda: pair.control(ControlCommand.CHECK) is ControlResult.VF)
    assert changed_at(pair) - before >= SETTLE_NS - TICK_NS
    assert pair.steer() is Path.VF


def test_s62_changes_are_counted_by_path_and_reason(pair: Attachment) -> None:
    def rearm() -> None:
        eventually("armed", lambda: pair.steer() is Path.VF)

    before = changes(pair)
    assert before == {(Path.VF, Reason.ARMED): 1}
    for reason in (Reason.DRAINED, Reason.DRAINED, Reason.TX_TIMEOUT):
        pair.control(ControlCommand.DISARM, abi.REASONS.index(reason))
        # Leaving what has been left changes nothing.
        pair.control(ControlCommand.DISARM, abi.REASONS.index(Reason.DAMPED))
        rearm()
    pair.lab.vf_down()
    pair.steer()
    pair.lab.vf_up()
    rearm()
    pair.lab.vf_carrier(False)
    eventually("no carrier", lambda: pair.steer() is Path.SYNTHETIC)
    assert changes(pair) == {
        (Path.VF, Reason.ARMED): 5,
        (Path.SYNTHETIC, Reason.DRAINED): 2,
        (Path.SYNTHETIC, Reason.TX_TIMEOUT): 1,
        (Path.SYNTHETIC, Reason.VF_DOWN): 1,
        (Path.SYNTHETIC, Reason.NO_CARRIER): 1,
    }
    assert pair.status().path_changes == 10


def test_vf_that_is_gone_is_left_and_its_address_never_read_again(pair: Attachment) -> None:
    pair.lab.unplug_vf()
    assert [pair.steer() for _ in range(5)] == [Path.SYNTHETIC] * 5
    assert pair.state().armed == 0
    assert changes(pair)[Path.SYNTHETIC, Reason.VF_GONE] == 1
    assert pair.control(ControlCommand.CHECK) is ControlResult.SYNTHETIC
    assert pair.control(ControlCommand.PERMIT, SETTLE_NS) is ControlResult.NO_VF


def test_invalid_commands_change_nothing(pair: Attachment) -> None:
    before = bytes(pair.state())
    assert pair.control_raw(99) is ControlResult.BAD_COMMAND
    assert pair.control_raw(ControlCommand.DISARM, slot_offset=1) is ControlResult.NO_PAIR
    assert pair.control_raw(ControlCommand.DISARM, slot_offset=abi.NIC_SLOTS) is ControlResult.NO_PAIR
    assert bytes(pair.state()) == before


def test_steer_counts_each_packet_on_the_path_that_it_chose(pair: Attachment) -> None:
    before = pair.status().tx
    for _ in range(3):
        pair.steer()
    pair.lab.vf_down()
    for _ in range(2):
        pair.steer()
    after = pair.status().tx
    assert after.vf.packets - before.vf.packets == 3
    assert after.synthetic.packets - before.synthetic.packets == 2
