# SPDX-License-Identifier: GPL-2.0-only
"""Steps that fail. The manager's one turn is called in this process, where any of them can be made to."""

import errno
from collections.abc import Iterator
from typing import Any

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.net import link_settings
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.manager.events.kinds import Kind
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.faults import Steps, changes, stepping
from tests.kernel.manager.turns import Turns
from tests.kernel.support.manager import ip, nic
from tests.kernel.support.waiting import eventually

OTHER = "00:15:5d:0a:0b:0c"


@pytest.fixture
def turns(lab: Lab) -> Iterator[Turns]:
    try:
        yield Turns(lab)
    finally:
        lab.in_guest(datapath.detach_all)


def refuse(monkeypatch: pytest.MonkeyPatch, setter: str, ifindex: int, number: int = errno.EINVAL) -> None:
    """Let one setting of one interface fail from now on."""
    real = getattr(link_settings, setter)

    def wrapped(*args: Any) -> None:
        if next(one for one in args if isinstance(one, int)) == ifindex:
            raise OSError(number, "refused by the test")
        real(*args)

    monkeypatch.setattr(link_settings, setter, wrapped)


def test_s35_mac_is_rolled_back_where_the_vf_refuses(
    lab: Lab, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    eventually("armed", turns.armed)
    refuse(monkeypatch, "set_mac", lab.ifindex(lab.guest, "vf0"))
    ip(lab, "link", "set", "eth0", "address", OTHER)
    turns.turn()
    eth0, vf0 = nic(lab, "eth0"), nic(lab, "vf0")
    assert eth0 is not None and vf0 is not None and eth0.mac == vf0.mac == lab.plan.pair(0).mac
    assert turns.events_of(Kind.REFUSED) == [
        f"vf0 refuses MAC {OTHER}: eth0 has {lab.plan.pair(0).mac} again"
    ]
    eventually("armed again", turns.armed)


def test_step_that_goes_on_failing_is_tried_less_and_less_and_reported_once(
    lab: Lab, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        refuse(patch, "set_ipv6_disabled", lab.ifindex(lab.guest, "vf0"), errno.EIO)
        refuse(patch, "set_addr_gen_mode", lab.ifindex(lab.guest, "vf0"), errno.EIO)
        waits = []
        for _ in range(6):
            wait = turns.turn()
            assert wait is not None
            waits.append(round(wait, 1))
            turns.turn()  # woken by anything at all: nothing is tried
            turns.now += wait + 0.001
        assert waits == [0.1, 0.5, 2.0, 10.0, 30.0, 30.0]
        assert len(turns.events_of(Kind.FAILED)) == 1
        assert turns.where == (Path.SYNTHETIC, Reason.NO_VF)
    eventually("armed, the fault gone", turns.armed)
    # What may be deferred (manager/state/deferred_steps.py) is done in a later turn; only then all is well.
    memory = turns.reconciler.memories.of(lab.ifindex(lab.guest, "eth0"))
    eventually("no failure is remembered", lambda: turns.armed() and memory.retry.failures == 0)


def test_withdrawing_does_not_wait_for_a_step_that_failed(
    lab: Lab, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    eventually("armed", turns.armed)
    with monkeypatch.context() as patch:
        refuse(patch, "set_promisc", lab.ifindex(lab.guest, "vf0"), errno.EIO)
        ip(lab, "link", "set", "eth0", "promisc", "on")
        turns.turn()
        assert turns.events_of(Kind.FAILED) and turns.where == (Path.VF, Reason.ARMED)
        ip(lab, "link", "set", "vf0", "mtu", "1300")
        turns.turn()
        assert turns.where == (Path.SYNTHETIC, Reason.NOT_PERMITTED)
        assert not turns.events_of(Kind.REPAIRED), "which waits"


def test_opponent_is_not_fought_at_full_speed(
    lab: Lab, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    eventually("armed", turns.armed)
    real = link_settings.set_mtu

    def contradicted(ipr: Any, ifindex: int, mtu: int) -> None:
        real(ipr, ifindex, mtu)
        real(ipr, ifindex, 1300)

    with monkeypatch.context() as patch:
        patch.setattr(link_settings, "set_mtu", contradicted)
        ip(lab, "link", "set", "vf0", "mtu", "1300")
        wait = turns.turn()
        assert wait is not None and wait >= 0.09
        for _ in range(50):
            turns.turn()
            turns.now += 0.01
        assert len(turns.events_of(Kind.REPAIRED)) < 70
        assert sum("keeps changing" in text for text in turns.events_of(Kind.FAILED)) == 1
        assert turns.where == (Path.SYNTHETIC, Reason.NOT_PERMITTED)
    turns.now += 60
    eventually("armed, the opponent gone", turns.armed)


@pytest.mark.timeout(600)
def test_s23_each_call_to_the_kernel_fails_in_turn(lab_factory: Any) -> None:
    """From nothing to armed, with a failure in another place each time, under traffic."""
    lab: Lab = lab_factory()
    reference = Turns(lab)
    with stepping(Steps()) as steps:
        eventually("armed", reference.armed)
    lab.in_guest(datapath.detach_all)
    places = changes(steps.names)
    assert len(places) > 10, steps.names

    def fail() -> None:
        raise OSError(errno.EBUSY, "busy, says the test")

    with UdpStream(udp_plan(lab, Direction.TX, rate=1000)) as stream:
        for place in places[::3]:
            turns = Turns(lab)
            with stepping(Steps(at=place, then=fail)):
                try:
                    turns.turn()
                except Exception as error:
                    assert "busy" in str(error).lower(), f"call {place}, {steps.names[place]}: {error!r}"
            turns.now += 60
            eventually(f"armed after {steps.names[place]}", turns.armed)
            lab.in_guest(datapath.detach_all)
        result = stream.stop()
    assert result.lost == 0
