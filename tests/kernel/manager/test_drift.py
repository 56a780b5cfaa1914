# SPDX-License-Identifier: GPL-2.0-only
"""What is detached, removed or replaced externally is noticed, reported and restored.

The managers here look at everything once an hour only: what is put back was noticed by itself.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.kernel.bpf import libbpf, links
from netvsc_bpf.kernel.bpf.abi import ControlCommand, NicFact
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.programs import SCHED_CLS, XDP, counting_program
from tests.kernel.support.attachment import attached
from tests.kernel.support.load import bearable
from tests.kernel.support.manager import Manager, ip, own_manager_of
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]
HOOKS = pytest.mark.parametrize("program", ["steer", "home", "guard"])
XDP_FLAGS_SKB_MODE = 1 << 1  # include/uapi/linux/if_link.h
SELDOM = ("--interval", "3600")


def pin(lab: Lab, program: str) -> FilePath:
    inode = lab.in_guest(namespaces.current_inode)
    return NetnsPins(inode).link(lab.ifindex(lab.guest, "eth0"), program)


def linked(lab: Lab, program: str) -> FilePath:
    path = pin(lab, program)
    if not path.exists():
        pytest.skip("clsact filters are no links")
    return path


@contextmanager
def link(path: FilePath) -> Iterator[int]:
    fd = libbpf.obj_get(path)
    try:
        yield fd
    finally:
        os.close(fd)


def put_back(lab: Lab, manager: Manager, program: str, times: int = 1) -> None:
    """Return once this was reported, and traffic takes the VF again."""
    reported = manager.wait_event("repaired", program, times)
    assert reported["hook"] == program and reported["severity"] == "warning" and reported["duration_s"] > 0
    with UdpStream(udp_plan(lab, Direction.TX, rate=bearable(2000, emulated=400))):
        before = manager.status.tx.vf.packets
        eventually("steered again", lambda: manager.status.tx.vf.packets > before + 100)
    assert len(manager.events_of("repaired")) == times, "nothing else was"


@HOOKS
def test_s64_removed_pin_is_attached_again_and_reported(lab: Lab, start: Start, program: str) -> None:
    manager = start(lab, "eth0", *SELDOM)
    manager.wait_vf()
    path = linked(lab, program)
    path.unlink()
    put_back(lab, manager, program)
    assert path.exists()


@HOOKS
def test_s64_link_detached_by_force_is_put_back_each_time(lab: Lab, start: Start, program: str) -> None:
    manager = start(lab, "eth0", *SELDOM)
    manager.wait_vf()
    for times in (1, 2):
        with link(linked(lab, program)) as fd:
            libbpf.link_detach(fd)
        put_back(lab, manager, program, times)


@HOOKS
def test_s64_program_replaced_in_our_own_link_is_put_back(lab: Lab, start: Start, program: str) -> None:
    manager = start(lab, "eth0", *SELDOM)
    manager.wait_vf()
    path = linked(lab, program)
    with counting_program(XDP if program == "guard" else SCHED_CLS) as foreign, link(path) as fd:
        assert libbpf.lib().bpf_link_update(fd, foreign.fd, None) == 0
        put_back(lab, manager, program)
        state = links.state(path)
        assert state is not None and state.prog_id != foreign.id


def test_s64_xdp_program_in_guards_place_stays_and_guard_is_back_when_it_goes(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", *SELDOM)
    manager.wait_vf()
    eth0 = lab.ifindex(lab.guest, "eth0")
    with counting_program(XDP) as foreign:
        manager.process.send_signal(signal.SIGSTOP)  # it would be quicker
        with link(linked(lab, "guard")) as ours:
            libbpf.link_detach(ours)
        theirs = lab.in_guest(libbpf.link_create, foreign.fd, eth0, libbpf.XDP, XDP_FLAGS_SKB_MODE)
        manager.process.send_signal(signal.SIGCONT)
        reported = manager.wait_event("failed", "another XDP program")
        assert (reported["error"], reported["step"]) == ("ForeignXdp", "Attach")
        state = libbpf.info(theirs, libbpf.LinkInfo)
        assert (state.ifindex, state.prog_id) == (eth0, foreign.id), "it is left alone"
        os.close(theirs)  # tried again and again, with patience
        put_back(lab, manager, "guard")


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_s64_guard_drops_again_though_the_process_that_attached_it_was_killed(
    lab: Lab, start: Start, done: bool
) -> None:
    with attached(lab) as pair:
        mode = pair.status().guard
        pair.control(ControlCommand.FACTS, NicFact.GUARD_MOVES)
        if not done:
            pin(lab, "guard").unlink()
        start(lab, "eth0", *SELDOM)
        eventually("guard is described", lambda: pair.state().facts == 0)
        assert (pair.status().guard, pin(lab, "guard").exists()) == (mode, True)


@pytest.mark.parametrize(
    ("device", "program"),
    [pytest.param("eth0", "steer", marks=[pytest.mark.guest, pytest.mark.oldest]), ("vf0", "home")],
)
def test_s64_deleted_clsact_is_put_back(lab: Lab, device: str, program: str) -> None:
    with own_manager_of(lab, clsact=True, interval_s=3600.0) as manager:
        manager.wait_vf()
        for times in (1, 2):
            lab.run(lab.guest, ["tc", "qdisc", "del", "dev", device, "clsact"])
            put_back(lab, manager, program, times)


@pytest.mark.parametrize(
    ("device", "side", "program"), [("eth0", "egress", "steer"), ("vf0", "ingress", "home")]
)
def test_s64_deleted_filter_is_put_back(lab: Lab, device: str, side: str, program: str) -> None:
    with own_manager_of(lab, clsact=True, interval_s=3600.0) as manager:
        manager.wait_vf()
        for times in (1, 2):
            lab.run(lab.guest, ["tc", "filter", "del", "dev", device, side])
            put_back(lab, manager, program, times)


def test_s64_removed_foreign_clsact_does_no_harm(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", *SELDOM)
    manager.wait_vf()
    linked(lab, "steer")
    lab.run(lab.guest, ["tc", "qdisc", "add", "dev", "eth0", "clsact"])
    lab.run(lab.guest, ["tc", "qdisc", "del", "dev", "eth0", "clsact"])
    ip(lab, "link", "set", "eth0", "promisc", "on")
    manager.wait_event("followed", "promisc")  # it has looked
    assert not manager.events_of("repaired")


def test_s16_vf_that_was_taken_down_stays_down_while_its_home_is_put_back(lab: Lab) -> None:
    with own_manager_of(lab, clsact=True, interval_s=3600.0) as manager:
        manager.wait_vf()
        lab.vf_down()
        manager.wait_path(Path.SYNTHETIC, Reason.VF_DOWN)
        lab.run(lab.guest, ["tc", "filter", "del", "dev", "vf0", "ingress"])
        manager.wait_event("repaired", "home")
        manager.wait_path(Path.SYNTHETIC, Reason.VF_DOWN)  # permitted again, and down
        lab.vf_up()
        manager.wait_vf()
