# SPDX-License-Identifier: GPL-2.0-only
"""An operator has a pair leave a VF that is well, and come back: without a manager."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.bpf import abi, drain_notes
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult, Returns
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.errors import NoSuchNic, NotAttached, Refused
from netvsc_bpf.model.path import GuardMode, Path, Reason
from tests.kernel.commands import refused
from tests.kernel.conftest import Cli
from tests.kernel.support.attachment import Attachment, armed_and_silent, attached
from tests.kernel.support.manager import ip, nic
from tests.kernel.support.waiting import eventually

ROUNDS = 5
SETTLE_MS = 1000
"""A switch opens the port of a VF that comes up within a second (linkwatch, net/core/link_watch.c)."""
WHY = "host maintenance\nnext door \x1b[31m"


def drain(pair: Attachment, for_s: float | None = None, why: str = "") -> None:
    warnings = pair.lab.in_guest(datapath.drain, pair.interface, for_s, why)
    assert len(warnings) == (for_s is not None), "a manager has to end it"


def undrain(pair: Attachment) -> None:
    assert pair.lab.in_guest(datapath.undrain, pair.interface) == []


def vf_is_up(lab: Lab) -> bool:
    vf0 = nic(lab, "vf0")
    assert vf0 is not None
    return vf0.up


@contextmanager
def streams(lab: Lab) -> Iterator[list[UdpStream]]:
    """Numbered packets both ways, none of which may be lost in the block."""
    with (
        UdpStream(udp_plan(lab, Direction.TX, rate=500)) as sent,
        UdpStream(udp_plan(lab, Direction.RX, rate=500)) as received,
    ):
        both = [sent, received]
        some_more(both)
        yield both
        some_more(both)
        results = [one.stop() for one in both]
    assert [(one.lost, one.refused) for one in results] == [(0, 0), (0, 0)]


def some_more(streams: list[UdpStream], packets: int = 200) -> None:
    seen = [stream.received for stream in streams]
    eventually(
        f"{packets} packets more",
        lambda: all(stream.received > before + packets for stream, before in zip(streams, seen, strict=True)),
    )


@pytest.fixture
def silent(lab_factory: Callable[[LabPlan], Lab]) -> Iterator[Attachment]:
    """An armed pair of a guest that is silent."""
    with armed_and_silent(lab_factory) as made:
        yield made


def test_s98_both_directions_leave_the_vf_and_come_back_and_nothing_is_lost(lab: Lab) -> None:
    with attached(lab, settle_ms=SETTLE_MS) as pair, streams(lab) as flows:
        assert pair.where == (Path.VF, Reason.ARMED)
        for _ in range(ROUNDS):
            drain(pair)
            assert pair.where == (Path.SYNTHETIC, Reason.DRAINED)
            assert not vf_is_up(lab), "or its switch would go on delivering to it"
            assert pair.status().taken_down is Reason.DRAINED
            before = pair.status()
            some_more(flows)
            after = pair.status()
            assert (before.tx.vf, before.rx.vf) == (after.tx.vf, after.rx.vf)
            undrain(pair)
            assert vf_is_up(lab)
            pair.wait_for(Path.VF)
            some_more(flows)


def test_s98_nothing_arms_a_drained_pair_and_a_drain_is_no_failure(silent: Attachment) -> None:
    before = silent.state()
    drain(silent, why=WHY)
    state = silent.state()
    assert (state.armed, state.permitted, state.vf_dev) == (0, 0, 0)
    assert state.drained_until == abi.DRAINED_INDEFINITELY
    synthetic = abi.PATHS.index(Path.SYNTHETIC)
    counted = [
        (abi.REASONS[number], after - earlier)
        for number, (after, earlier) in enumerate(
            zip(state.changes[synthetic], before.changes[synthetic], strict=True)
        )
        if after != earlier
    ]
    assert counted == [(Reason.DRAINED, 1)]
    ip(silent.lab, "link", "set", "vf0", "up")
    for command, argument in (
        (ControlCommand.PERMIT, 1),
        (ControlCommand.CHECK, 0),
        (ControlCommand.ARM, 0),
        (ControlCommand.PERMIT, 1),
    ):
        answer = silent.control(command, argument)
        assert answer is (
            ControlResult.DRAINED if command is ControlCommand.PERMIT else ControlResult.SYNTHETIC
        )
        assert silent.steer() is Path.SYNTHETIC
    assert silent.where == (Path.SYNTHETIC, Reason.DRAINED)
    seen = silent.status().drained
    assert seen is not None and (seen.until, seen.why) == (None, WHY)
    undrain(silent)
    eventually("it is used again", lambda: silent.steer() is Path.VF)
    assert silent.status().drained is None


def test_s98_the_vf_settles_for_as_long_as_was_chosen(silent: Attachment) -> None:
    silent.attach(settle_ms=300, guard=GuardMode.OFF)
    drain(silent)
    undrain(silent)
    state = silent.state()
    assert state.settle_ns == 300_000_000
    eventually("it is used again", lambda: silent.steer() is Path.VF)
    state = silent.state()
    assert CLOCKS.monotonic_of(state.changed_at) - state.usable_since >= 300_000_000


def test_s98_attach_again_keeps_the_drain_and_its_options_apply_later(silent: Attachment) -> None:
    drain(silent, why="kept")
    again = silent.attach(settle_ms=70, guard=GuardMode.OFF)
    assert (again.path, again.reason) == (Path.SYNTHETIC, Reason.DRAINED)
    assert again.drained is not None and again.drained.why == "kept"
    assert not vf_is_up(silent.lab)
    assert silent.state().settle_ns == 70_000_000
    undrain(silent)
    assert silent.state().settle_ns == 70_000_000
    eventually("it is used again", lambda: silent.steer() is Path.VF)


def test_s98_another_vf_joins_a_drained_pair_and_is_not_used(silent: Attachment) -> None:
    drain(silent)
    silent.lab.unplug_vf()
    assert silent.status().reason is Reason.NO_VF
    assert silent.status().drained is not None
    silent.lab.plug_vf()
    assert silent.attach(settle_ms=10, guard=GuardMode.OFF).reason is Reason.DRAINED
    assert not vf_is_up(silent.lab)
    undrain(silent)
    eventually("it is used", lambda: silent.steer() is Path.VF)


def test_s98_drain_without_a_vf_holds_for_one_that_comes(lab_factory: Callable[[LabPlan], Lab]) -> None:
    lab = lab_factory(LabPlan(vf=False))
    with attached(lab, settle_ms=10) as pair:
        drain(pair)
        lab.plug_vf()
        assert pair.attach(settle_ms=10).reason is Reason.DRAINED
        undrain(pair)
        pair.wait_for(Path.VF)


def test_s98_vf_taken_down_externally_stays_down(silent: Attachment) -> None:
    silent.lab.vf_down()
    drain(silent)
    undrain(silent)
    assert not vf_is_up(silent.lab)
    assert silent.where == (Path.SYNTHETIC, Reason.VF_DOWN)


def test_s98_undrain_says_that_the_vf_stays_down_with_its_synthetic_nic(silent: Attachment) -> None:
    drain(silent)
    ip(silent.lab, "link", "set", "eth0", "down")
    (warning,) = silent.lab.in_guest(datapath.undrain, "eth0")
    assert warning == "eth0 is down, so vf0 stays down: once it is up, run `netvsc-bpf attach eth0`"
    ip(silent.lab, "link", "set", "eth0", "up")
    assert not vf_is_up(silent.lab), "nothing would bring it up"
    silent.attach(settle_ms=10, guard=GuardMode.OFF)
    silent.wait_used()


def test_s98_detach_puts_the_vf_back_and_forgets_the_drain(silent: Attachment) -> None:
    drain(silent)
    silent.lab.in_guest(datapath.detach, "eth0")
    assert vf_is_up(silent.lab)
    assert silent.attach(settle_ms=10, guard=GuardMode.OFF).drained is None
    eventually("it is used", lambda: silent.steer() is Path.VF)


def test_s98_when_its_time_is_over_the_kernel_lets_it_be_permitted_again(silent: Attachment) -> None:
    begun = CLOCKS.boottime()
    drain(silent, for_s=1.0)
    until = silent.state().drained_until
    assert begun + 1_000_000_000 <= until <= CLOCKS.boottime() + 1_000_000_000
    if CLOCKS.boottime() < until:
        answer = silent.control(ControlCommand.PERMIT, 1)
        assert answer is ControlResult.DRAINED or CLOCKS.boottime() >= until
    time.sleep(max(0, until - CLOCKS.boottime()) / 1e9)
    seen = silent.status()
    assert seen.reason is Reason.DRAINED, "without a manager it does not end"
    assert seen.drained is not None and seen.drained.until == CLOCKS.utc(until)
    assert silent.steer() is Path.SYNTHETIC
    assert silent.attach(settle_ms=10, guard=GuardMode.OFF).drained is None, "attach ends it"
    eventually("it is used", lambda: silent.steer() is Path.VF)


def test_s98_drained_again_has_the_new_time_and_reason_and_the_old_beginning(silent: Attachment) -> None:
    drain(silent, why="first")
    first = silent.status().drained
    drain(silent, for_s=3600.0, why="second")
    second = silent.status().drained
    assert first is not None and second is not None
    assert (first.since, second.why) == (second.since, "second")
    assert first.until is None and second.until is not None
    undrain(silent)
    assert silent.lab.in_guest(lambda: _note(silent)) is None


def _note(pair: Attachment) -> drain_notes.DrainNote | None:
    return drain_notes.read(NetnsPins(namespaces.current_inode()), pair.ifindex)


def test_s98_longest_reason_is_stored_and_a_longer_one_refused(silent: Attachment) -> None:
    longest = "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 100
    drain(silent, why=longest)
    seen = silent.status().drained
    assert seen is not None and seen.why == longest
    with pytest.raises(Refused, match="202 bytes"):
        silent.lab.in_guest(datapath.drain, "eth0", None, longest + "xx")
    with pytest.raises(Refused, match="zero byte"):
        silent.lab.in_guest(datapath.drain, "eth0", None, "a\0b")


def test_s100_only_an_operator_allows_the_return_of_a_vf_that_failed_before_its_drain(
    silent: Attachment,
) -> None:
    silent.control(ControlCommand.RETURN, Returns.MANUAL)
    silent.control(ControlCommand.DISARM, abi.REASONS.index(Reason.NO_CARRIER))
    silent.lab.in_guest(lambda: datapath.drain("eth0", None, "maintenance"))
    silent.lab.in_guest(lambda: datapath.undrain("eth0", by_operator=False))
    assert (silent.status().drained, silent.where) == (None, (Path.SYNTHETIC, Reason.MANUAL))
    silent.lab.in_guest(lambda: datapath.undrain("eth0"))
    silent.wait_used()


@pytest.mark.parametrize("for_s", [0.0, -1.0, float("nan"), float("inf"), 1e12])
def test_s98_invalid_time_is_refused(silent: Attachment, for_s: float) -> None:
    with pytest.raises(Refused, match="a drain lasts 1 to"):
        silent.lab.in_guest(datapath.drain, "eth0", for_s)
    assert silent.steer() is Path.VF


def test_s98_unpaired_interface_is_refused_by_error_type(lab: Lab) -> None:
    for call in (datapath.drain, datapath.undrain):
        with pytest.raises(NoSuchNic):
            lab.in_guest(call, "nosuch0")
        with pytest.raises(NotAttached):
            lab.in_guest(call, "eth0")


@pytest.mark.parametrize("command", ["drain", "undrain"])
def test_s98_commands_refuse_other_interfaces_in_one_line(
    lab: Lab, netvsc_bpf_cli: Cli, command: str
) -> None:
    refused(netvsc_bpf_cli(command, "nosuch0"), 3, "there is no such interface")
    refused(netvsc_bpf_cli(command, "eth0"), 3, "it is not attached")


def test_s98_commands_drain_and_undrain(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    attach = ("attach", "eth0", "--vf", "vf0", "--settle", "10")
    assert netvsc_bpf_cli(*attach).returncode == 0
    done = netvsc_bpf_cli("drain", "eth0", "--for", "2h", "--why", WHY)
    assert (done.returncode, done.stdout) == (0, "")
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("netvsc-bpf: no manager runs to end the drain of eth0 at 20")
    assert warning.endswith(": `netvsc-bpf undrain eth0` ends it")
    shown = netvsc_bpf_cli("status").stdout
    assert "path synthetic (drained)" in shown
    assert "host maintenance / next door \\x1b[31m" in shown
    assert "no manager runs" in shown and "`netvsc-bpf undrain eth0`" in shown
    assert "taken down by netvsc-bpf (drained)" in shown
    assert "drained" in netvsc_bpf_cli("top", "--once").stdout
    metrics = netvsc_bpf_cli("metrics").stdout
    assert 'netvsc_bpf_drained{interface="eth0"} 1.0' in metrics
    assert 'netvsc_bpf_path_reason{interface="eth0",reason="drained"} 1.0' in metrics
    done = netvsc_bpf_cli("undrain", "--all")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert 'netvsc_bpf_drained{interface="eth0"} 0.0' in netvsc_bpf_cli("metrics").stdout
    eventually("the VF is used", lambda: "path vf (armed)" in netvsc_bpf_cli("status").stdout)
    done = netvsc_bpf_cli("undrain", "eth0")
    assert (done.returncode, done.stderr) == (0, "netvsc-bpf: eth0 is not drained\n")
