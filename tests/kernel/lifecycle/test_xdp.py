# SPDX-License-Identifier: GPL-2.0-only
"""Foreign XDP programs on the members of a pair: none is replaced, a bypassed one is reported."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.commands import refused, run, state
from tests.kernel.machine import unchanged
from tests.kernel.programs import XDP, Counting, counting_program
from tests.kernel.support.manager import managers, nic

ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")


@contextmanager
def running(lab: Lab, program: Counting, interface: str) -> Iterator[None]:
    link = lab.in_guest(libbpf.link_create, program.fd, lab.ifindex(lab.guest, interface), libbpf.XDP)
    try:
        yield
    finally:
        os.close(link)


def programs(lab: Lab) -> list[int | None]:
    found = [nic(lab, name) for name in ("eth0", "vf0")]
    return [None if one is None else one.xdp_prog_id for one in found]


def test_s48_attach_that_is_refused_on_one_nic_leaves_the_programs_of_both(lab: Lab) -> None:
    with (
        counting_program(XDP) as one,
        counting_program(XDP) as other,
        running(lab, one, "eth0"),
        running(lab, other, "vf0"),
        unchanged(lab),
    ):
        before = programs(lab)
        assert before == [one.id, other.id]
        refused(run(lab, *ATTACH), 3, "another XDP program is attached", "--guard off")
        assert programs(lab) == before
        assert state(run(lab, *ATTACH, "--guard", "off", "--xdp", "require"))["path"] == "vf"
        assert programs(lab) == before
        assert run(lab, "detach", "eth0").returncode == 0


def test_s49_own_guard_that_is_detached_by_the_same_command_is_no_foreign_program(lab: Lab) -> None:
    assert state(run(lab, *ATTACH))["path"] == "vf"
    assert programs(lab)[0] is not None
    found = state(run(lab, *ATTACH, "--guard", "off", "--xdp", "require"))
    assert (found["path"], programs(lab)) == ("vf", [None, None])
    assert run(lab, "detach", "eth0").returncode == 0


def test_s49_vf_that_runs_no_xdp_is_attached_unused_where_that_is_required(lab: Lab) -> None:
    with counting_program(XDP) as program, running(lab, program, "eth0"), unchanged(lab):
        asked = (*ATTACH, "--guard", "off")
        required = state(run(lab, *asked, "--xdp", "require"))
        assert (required["path"], required["reason"]) == ("synthetic", "xdp-missing")
        assert "attach the program to vf0 too" in run(lab, "status").stdout
        found = run(lab, "doctor").stdout
        assert f"vf0 runs no XDP program: program {program.id} of eth0 does not see" in found
        with running(lab, program, "vf0"):
            assert state(run(lab, *asked, "--xdp", "require"))["path"] == "vf"
            assert "runs no XDP program" not in run(lab, "doctor").stdout
        assert state(run(lab, *asked))["path"] == "synthetic", "it is kept"
        assert state(run(lab, *asked, "--xdp", "warn"))["path"] == "vf", "only warned of"
        assert run(lab, "detach", "eth0").returncode == 0


def test_s49_manager_reports_once_that_a_hot_added_vf_runs_no_xdp_and_uses_it(lab: Lab) -> None:
    lab.unplug_vf()
    with counting_program(XDP) as program, running(lab, program, "eth0"), managers(lab) as start:
        assert run(lab, "attach", "eth0", "--guard", "off").returncode == 0
        manager = start("eth0")
        lab.plug_vf(up=False)
        reported = manager.wait_event("refused", "vf0 runs no XDP program")
        assert reported["reason"] == Reason.XDP_MISSING
        manager.wait_path(Path.VF)
        lab.vf_down()
        manager.wait_path(Path.SYNTHETIC)
        lab.vf_up()
        manager.wait_path(Path.VF)
        assert len(manager.events_of("refused")) == 1
