# SPDX-License-Identifier: GPL-2.0-only
"""Several at work at once: one after the other, or refused."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import writer_lock
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import Busy, NotAttached
from tests.kernel.commands import Ended, refused, start, state
from tests.kernel.direct import direct
from tests.kernel.machine import pins, unchanged

LabFactory = Callable[..., Lab]
CliIn = Callable[..., Ended]
ROOT = NetnsPins(0).root


def ended(args: list[str], lab: Lab) -> list[Ended]:
    """Run the same command for each interface at the same time."""
    running = [start(lab, "attach", *one.split(), "--settle", "10", "--json") for one in args]
    ends = [(process, *process.communicate()) for process in running]
    return [Ended(process.args, process.returncode, out, err) for process, out, err in ends]


def test_s66_two_attaches_at_once_end_in_one_state(lab_factory: LabFactory, cli_in: CliIn) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    with unchanged(lab):
        first, second = (state(one) for one in ended(["eth0 --vf vf0", "eth0 --vf vf0"], lab))
        assert (first["path"], second["path"]) == ("vf", "vf")
        names = [path.name for path in pins() if "pair_" in str(path)]
        links, copies = ["guard", "home"], ["programs", "guard", "home", "steer"]
        assert names == ["pair_2", "chosen", *links, *copies, "steer"]
        assert cli_in(lab.guest, "detach", "eth0").returncode == 0


def test_s66_two_pairs_attached_at_once_share_the_programs(lab_factory: LabFactory, cli_in: CliIn) -> None:
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    with unchanged(lab):
        for result in ended(["eth0 --vf vf0", "eth1 --vf vf1"], lab):
            assert state(result)["path"] == "vf"
        assert len([path for path in pins() if path.name == "object"]) == 1
        assert cli_in(lab.guest, "detach", "--all").returncode == 0


def test_s66_attach_and_detach_at_once_leave_no_half_pair(lab_factory: LabFactory, cli_in: CliIn) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    with unchanged(lab):
        for _ in range(3):
            state(cli_in(lab.guest, "attach", "eth0", "--vf", "vf0", "--settle", "10", "--json"))
            running = [start(lab, "detach", "eth0"), start(lab, "attach", "eth0", "--vf", "vf0")]
            for process in running:
                _, said = process.communicate()
                # The second one may find nothing, or its pair removed: it reports that in one line.
                assert process.returncode in (0, 3), said
                assert len(said.splitlines()) <= 1, said
        cli_in(lab.guest, "detach", "--all")


def test_pair_that_is_detached_while_its_vf_settles_is_said_to_be(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))

    def detach(interface: str) -> Callable[[Sequence[str]], None]:
        return lambda _: datapath.detach(interface)

    options = AttachOptions(any_bus=True, settle_ms=10)
    with unchanged(lab):
        with pytest.raises(NotAttached, match=r"^eth0 is not attached any more: it was detached") as caught:
            lab.in_guest(datapath.attach, "eth0", options, detach("eth0"))
        assert caught.value.exit_code == 3
        done, errors = lab.in_guest(datapath.attach_all, options, detach("eth1"))
        assert [one.status.synthetic.name for one in done] == ["eth0"], "the failure is its own pair's"
        assert [str(error).split()[0] for error in errors] == ["eth1"]
        lab.in_guest(datapath.detach_all)


def test_s66_writer_beside_a_writer_is_refused(
    lab_factory: LabFactory, cli_in: CliIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    with direct(lab) as here:
        here.attach()
        with writer_lock.writer(ROOT), unchanged(lab):
            with monkeypatch.context() as patch:
                patch.setattr(writer_lock, "writer", partial(writer_lock.writer, timeout_s=0.1))
                for change in (here.attach, here.detach):
                    with pytest.raises(Busy, match="another netvsc-bpf is changing it") as caught:
                        change()
                    assert caught.value.exit_code == 3
            # Looking needs no lock.
            assert here.status().path == "vf"


def test_s66_command_says_that_another_is_at_work(lab_factory: LabFactory, cli_in: CliIn) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    with writer_lock.writer(ROOT), unchanged(lab):
        refused(cli_in(lab.guest, "attach", "eth0", "--vf", "vf0"), 3, "another netvsc-bpf is changing it")
