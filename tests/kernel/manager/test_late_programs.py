# SPDX-License-Identifier: GPL-2.0-only
"""A tcx program attached after steer: it takes effect on both paths, or `status` says that it does not."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from netvsc_bpf.datapath import order
from netvsc_bpf.datapath.pairs import own_program
from netvsc_bpf.datapath.session import writing
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import libbpf, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks import tcx
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.lab import directions
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path
from tests.kernel.programs import SCHED_CLS, Counting, counting_program, require_tcx
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.load import bearable
from tests.kernel.support.manager import Manager
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]


@pytest.fixture(autouse=True)
def only_with_tcx(lab: Lab) -> None:
    require_tcx(lab)


@contextmanager
def late(lab: Lab) -> Iterator[Counting]:
    """A program of somebody else's, attached to the egress of eth0 after what is there."""
    ifindex = lab.ifindex(lab.guest, "eth0")
    with counting_program(SCHED_CLS) as program:
        link = lab.in_guest(libbpf.link_create, program.fd, ifindex, Direction.EGRESS)
        try:
            yield program
        finally:
            os.close(link)


def egress(lab: Lab) -> list[int]:
    return lab.in_guest(tcx_programs, lab.ifindex(lab.guest, "eth0"), Direction.EGRESS)


def stream(lab: Lab) -> UdpStream:
    return UdpStream(directions.udp_plan(lab, directions.Direction.TX, rate=bearable(2000, emulated=400)))


def sees_what_goes_to_the_vf(pair: Attachment, program: Counting) -> bool:
    """Whether it sees as many packets as were steered; the guest sends others than the stream's as well."""
    seen, steered = program.seen, pair.status().tx.vf.packets
    with stream(pair.lab):
        eventually("steered", lambda: pair.status().tx.vf.packets > steered + 100)
    return program.seen >= seen + 100


@pytest.mark.guest
def test_s91_manager_puts_steer_behind_what_was_attached_after_it(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--interval", "3600")
    manager.wait_vf()
    pair = Attachment(lab, "eth0")
    with stream(lab) as flowing:
        for times in (1, 2):
            with late(lab) as program:
                reported = manager.wait_event("repaired", f"tcx program {program.id}")
                assert (reported["hook"], reported["step"]) == ("steer", "PutLast")
                assert egress(lab)[0] == program.id
                assert len(egress(lab)) == 2, times
                assert sees_what_goes_to_the_vf(pair, program)
                assert manager.status.path is Path.VF
        eventually("all arrived", lambda: flowing.received >= 1000)
    assert manager.events_of("failed") == []


def test_s91_without_a_manager_status_says_it_and_attach_mends_it(lab: Lab) -> None:
    with attached(lab) as pair, late(lab) as program:
        assert pair.status().passed_by == (program.id,)
        assert not sees_what_goes_to_the_vf(pair, program)
        assert pair.attach().passed_by == ()
        assert egress(lab)[0] == program.id
        assert sees_what_goes_to_the_vf(pair, program)


def put_last(lab: Lab) -> None:
    def work() -> None:
        with writing("put steer last") as session, LoadedObject(session.pins) as loaded:
            synthetic = next(nic for nic in session.nics if nic.name == "eth0")
            slot = find_pair_slot(loaded, synthetic.ifindex)
            assert slot is not None
            order.put_last(session, loaded, synthetic, slot)

    lab.in_guest(work)


@pytest.mark.parametrize("armed", [True, False], ids=["vf", "synthetic"])
@pytest.mark.parametrize("failing", ["link_update", "move"])
def test_s91_step_that_fails_leaves_steer_where_it_was(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, armed: bool, failing: str
) -> None:
    with attached(lab) as pair, late(lab) as program:
        if not armed:
            lab.vf_down()
        before = egress(lab)
        fail(monkeypatch, failing)
        with pytest.raises(Exception, match="cannot move steer of eth0 behind"):
            put_last(lab)
        monkeypatch.undo()
        assert egress(lab) == before
        put_last(lab)
        assert egress(lab)[0] == program.id
        assert pair.path is (Path.VF if armed else Path.SYNTHETIC)


def fail(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have the last step that can be undone fail: the update of the other link, or the first rename."""
    where, at = (libbpf, 2) if name == "link_update" else (pins, 1)
    real, calls = getattr(where, name), count(1)

    def failing(*arguments: object) -> object:
        if next(calls) == at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*arguments)

    monkeypatch.setattr(where, name, failing)


@pytest.mark.parametrize(
    "killed_before", ["tcx.attach", "libbpf.link_update", "pins.move", "libbpf.link_detach"]
)
def test_s91_killed_in_between_is_mended_by_the_next_attach(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, killed_before: str
) -> None:
    module, _, name = killed_before.partition(".")
    where = {"tcx": tcx, "libbpf": libbpf, "pins": pins}[module]
    with attached(lab) as pair, late(lab) as program:
        pid = os.fork()
        if not pid:
            monkeypatch.setattr(where, name, lambda *_: os._exit(9))
            put_last(lab)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        assert pair.attach().passed_by == ()
        steer = lab.in_guest(steer_of, lab.ifindex(lab.guest, "eth0"))
        assert egress(lab) == [program.id, steer]
        assert sees_what_goes_to_the_vf(pair, program)


def steer_of(ifindex: int) -> int | None:
    with writing("look") as session:
        return own_program(session, ifindex, "steer")
