# SPDX-License-Identifier: GPL-2.0-only
"""A join that was killed before any of its steps: the next manager finishes it, whatever had been done."""

from collections.abc import Callable

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.direct import Direct, direct
from tests.kernel.faults import Steps, changes, killed_at, stepping
from tests.kernel.programs import require_tcx
from tests.kernel.support.damping import damping_manager
from tests.kernel.support.joining import look_until_at_rest
from tests.kernel.support.versions import hooked, is_at_rest
from tests.kernel.support.waiting import eventually

SETTLE_MS = 10
CONFIG = ManagerConfig(interfaces=("eth0",), options=AttachOptions(any_bus=True), settle_ms=SETTLE_MS)
OPTIONS = AttachOptions(vf="vf0", settle_ms=SETTLE_MS)


def new_manager() -> Callable[[], object]:
    return Reconciler(CONFIG, Reporter(lambda event: None))


def join() -> None:
    look_until_at_rest(new_manager(), SETTLE_MS)


def finished(lab: Lab, here: Direct) -> Callable[[], bool]:
    manager = new_manager()

    def used() -> bool:
        lab.in_guest(manager)
        return here.status().path is Path.VF and is_at_rest(lab)

    return used


def test_s27_manager_finishes_a_join_killed_before_any_step(lab: Lab) -> None:
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "down", "mtu", "1400"])
    with direct(lab) as here:
        with stepping(Steps()) as steps:
            here.attach()
        here.detach()
        for at in changes(steps.names):
            where = f"killed before {steps.names[at]} (call {at})"
            killed_at(lab, at, lambda: datapath.attach("eth0", OPTIONS))
            eventually(where, finished(lab, here))
            here.detach()


def test_s27_manager_finishes_what_another_one_joined_in_haste(lab: Lab) -> None:
    """It attaches home by a filter first, and by its link once the VF is used."""
    require_tcx(lab)
    with direct(lab) as here:
        here.attach()
        plugged_in_anew(lab)
        with stepping(Steps()) as steps:
            lab.in_guest(join)
        assert "attach" in steps.names and "detach" in steps.names, "there is a filter for a while"
        for at in changes(steps.names):
            where = f"killed before {steps.names[at]} (call {at})"
            plugged_in_anew(lab)
            killed_at(lab, at, join)
            eventually(where, finished(lab, here))
            now = hooked(lab)
            assert (where, now.filters["home"]) == (where, [])
            assert (where, now.links["home"][1]) == (where, now.programs["home"])


def test_s27_vf_taken_down_by_a_manager_that_was_killed_is_used_again(lab: Lab) -> None:
    """The next manager knows nothing of why: it uses the VF."""
    with direct(lab) as here:
        here.attach()
        manager = damping_manager(lab, CONFIG)
        with stepping(Steps()) as steps:
            lab.in_guest(manager)
        assert here.status().reason is Reason.DAMPED and "set_up" in steps.names
        for at in changes(steps.names):
            where = f"killed before {steps.names[at]} (call {at})"
            here.detach()
            here.attach()
            killed_at(lab, at, damping_manager(lab, CONFIG))
            eventually(where, finished(lab, here))


def plugged_in_anew(lab: Lab) -> None:
    """No manager runs in between: the next one finds what the previous VF left, and the new VF."""
    lab.unplug_vf()
    lab.plug_vf()
