# SPDX-License-Identifier: GPL-2.0-only
"""An upgrade killed before any of its steps: traffic continues, and the next writer finishes it."""

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.state.config import ManagerConfig
from tests.kernel.direct import Direct, direct, force_clsact
from tests.kernel.faults import Steps, changes, killed_at, stepping
from tests.kernel.machine import assert_as, unchanged
from tests.kernel.support.versions import Versions, assert_of_one_version, hooked, unfinished

OPTIONS = AttachOptions(vf="vf0", settle_ms=10)
CONFIG = ManagerConfig(interfaces=("eth0",), options=AttachOptions(any_bus=True), settle_ms=10)
HOOKS = pytest.mark.parametrize("hook", ["best", "clsact"])


def steps_of_an_upgrade(here: Direct, versions: Versions) -> list[tuple[int, str]]:
    """The changes that an upgrade makes until it is done; the rest of attach has tests of its own."""
    versions.next()
    with stepping(Steps()) as steps:
        here.attach()
    over = max(at for at, name in enumerate(steps.names) if name == "remove_tree")
    return [(at, steps.names[at]) for at in changes(steps.names) if at <= over]


@HOOKS
@pytest.mark.timeout(600)
def test_s65_upgrade_killed_before_any_step_loses_nothing_and_is_finished(
    lab: Lab, versions: Versions, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    if hook == "clsact":
        force_clsact(monkeypatch)
    with direct(lab) as here:
        here.attach()
        first = here.status()
        steps = steps_of_an_upgrade(here, versions)
        assert {"move", "remove_tree", "replace" if first.hook == "clsact" else "link_update"} <= {
            name for _, name in steps
        }
        places = hooked(lab).places
        with UdpStream(udp_plan(lab, Direction.TX, rate=2_000)) as stream:
            for at, name in steps:
                where = f"killed before {name} (call {at})"
                versions.next()
                killed_at(lab, at, lambda: datapath.attach("eth0", OPTIONS))
                # Half of it runs old programs, maybe; each hook runs one, and all of it is attached.
                assert (where, set(hooked(lab).running)) == (where, {"steer", "home", "guard"})
                assert (where, here.status().path) == (where, "vf")
                here.attach()
                assert_of_one_version(hooked(lab))
                assert (where, hooked(lab).places) == (where, places)
            result = stream.stop()
        assert (result.lost, result.duplicates) == (0, 0)
        assert here.status().path_changes == first.path_changes


@HOOKS
@pytest.mark.timeout(600)
def test_s65_manager_finishes_an_upgrade_killed_before_any_step(
    lab: Lab, versions: Versions, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    if hook == "clsact":
        force_clsact(monkeypatch)
    with direct(lab) as here:
        here.attach()
        for at, name in steps_of_an_upgrade(here, versions)[::3]:
            where = f"killed before {name} (call {at})"
            versions.next()
            killed_at(lab, at, lambda: datapath.attach("eth0", OPTIONS))
            lab.in_guest(Reconciler(CONFIG, Reporter(lambda event: None)))
            assert (where, unfinished()) == (where, [])
            assert (where, here.status().path) == (where, "vf")


@HOOKS
@pytest.mark.timeout(600)
def test_s65_detach_after_a_killed_upgrade_leaves_nothing(
    lab: Lab, versions: Versions, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    if hook == "clsact":
        force_clsact(monkeypatch)
    with direct(lab) as here, unchanged(lab) as before:
        here.attach()
        steps = steps_of_an_upgrade(here, versions)
        here.detach()
        for at, name in steps[::2]:
            here.attach()
            versions.next()
            killed_at(lab, at, lambda: datapath.attach("eth0", OPTIONS))
            here.detach()
            assert_as(before, lab, f"killed before {name} (call {at})")


def test_s65_upgrade_killed_before_it_began_leaves_nothing_to_a_version_that_wants_none(
    lab: Lab, versions: Versions
) -> None:
    with direct(lab) as here:
        here.attach()
        before = hooked(lab)
        versions.next()
        with stepping(Steps()) as steps:
            here.attach()
        versions.original()
        here.attach()
        versions.next()
        killed_at(lab, steps.names.index("move"), lambda: datapath.attach("eth0", OPTIONS))
        assert [name for name in unfinished() if name.startswith("loading")] != []
        versions.original()
        here.attach()
        assert_of_one_version(hooked(lab))
        assert hooked(lab).build == before.build
