# SPDX-License-Identifier: GPL-2.0-only
"""Other people's programs, filters and qdiscs: they see their packets, and outlive us."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from pyroute2 import IPRoute

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.topology import Lab
from tests.kernel.direct import direct, force_clsact
from tests.kernel.machine import eventually, unchanged
from tests.kernel.programs import SCHED_CLS, XDP, Counting, counting_program, require_tcx

HOOKS = ("eth0 EGRESS", "eth0 INGRESS", "vf0 INGRESS")


@contextmanager
def foreign_tcx(lab: Lab) -> Iterator[dict[str, Counting]]:
    """Attach a counting program by tcx link to each of the hooks where we attach, too."""
    with ExitStack() as stack:
        programs = {hook: stack.enter_context(counting_program(SCHED_CLS)) for hook in HOOKS}
        for hook, program in programs.items():
            name, direction = hook.split()
            ifindex = lab.ifindex(lab.guest, name)
            link = lab.in_guest(libbpf.link_create, program.fd, ifindex, Direction[direction])
            stack.callback(os.close, link)
        yield programs


@contextmanager
def foreign_clsact(lab: Lab) -> Iterator[dict[str, Counting]]:
    """Add a clsact qdisc to both NICs, with a counting filter on each of the hooks."""

    def add(hook: str, program: Counting) -> None:
        name, direction = hook.split()
        with IPRoute() as ipr, Rtnetlink() as rtnl:
            clsact.add_qdisc(rtnl, lab.ifindex(lab.guest, name))
            arguments: dict[str, Any] = {"protocol": 3, "fd": program.fd, "name": "foreign", "prio": 10}
            parent = 0xFFFFFFF2 if direction == "INGRESS" else 0xFFFFFFF3
            ifindex = lab.ifindex(lab.guest, name)
            ipr.tc("add-filter", "bpf", ifindex, parent=parent, direct_action=True, **arguments)

    with ExitStack() as stack:
        programs = {hook: stack.enter_context(counting_program(SCHED_CLS)) for hook in HOOKS}
        for hook, program in programs.items():
            lab.in_guest(add, hook, program)
        yield programs


def ping(lab: Lab) -> None:
    lab.run(lab.guest, ["ping", "-c", "3", "-i", "0.01", "-W", "20", "10.99.0.2"])


def all_see(lab: Lab, programs: dict[str, Counting], hooks: tuple[str, ...]) -> bool:
    before = {hook: programs[hook].seen for hook in hooks}
    ping(lab)
    return all(programs[hook].seen >= before[hook] + 3 for hook in hooks)


def test_s63_foreign_tcx_programs_see_every_packet_and_stay(lab: Lab) -> None:
    require_tcx(lab)
    with foreign_tcx(lab) as programs, direct(lab) as here, unchanged(lab):
        assert here.attach().status.path == "vf"
        ping(lab)  # the fabric learns the new way
        eventually("foreign programs see all packets", lambda: all_see(lab, programs, HOOKS))
        here.detach()


@pytest.mark.guest
@pytest.mark.oldest
def test_s63_foreign_filters_on_clsact_see_every_packet_and_stay(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    force_clsact(monkeypatch)
    with foreign_clsact(lab) as programs, direct(lab) as here, unchanged(lab):
        status = here.attach().status
        assert (status.path, status.hook) == ("vf", "clsact")
        ping(lab)
        eventually("foreign filters see all packets", lambda: all_see(lab, programs, HOOKS))
        here.detach()


def test_s63_foreign_filters_stay_where_we_use_tcx(lab: Lab) -> None:
    require_tcx(lab)
    with foreign_clsact(lab) as programs, direct(lab) as here, unchanged(lab):
        assert here.attach().status.hook == "tcx"
        ping(lab)
        # All of tcx runs before any filter: what goes to the VF, the filters on egress do not see.
        eventually(
            "foreign filters see the redirected frames", lambda: all_see(lab, programs, ("eth0 INGRESS",))
        )
        here.detach()


def test_s63_added_clsact_stays_while_others_use_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    force_clsact(monkeypatch)
    with direct(lab) as here:
        here.attach()
        with foreign_clsact(lab) as programs:
            here.detach()
            assert all_see(lab, programs, ("eth0 EGRESS",))


def test_s63_foreign_xdp_program_on_the_vf_sees_its_frames_and_stays(lab: Lab) -> None:
    with counting_program(XDP) as program, direct(lab) as here:
        link = lab.in_guest(libbpf.link_create, program.fd, lab.ifindex(lab.guest, "vf0"), libbpf.XDP)
        try:
            with unchanged(lab):
                assert here.attach().status.path == "vf"
                eventually("it sees frames", lambda: all_see(lab, {"vf0": program}, ("vf0",)))
                here.detach()
        finally:
            os.close(link)
