# SPDX-License-Identifier: GPL-2.0-only
"""A sentinel whose pins were removed is detected as lost, replaced meanwhile, and restored."""

from pathlib import Path as FilePath

import pytest

from netvsc_bpf.datapath import AttachOptions, attach
from netvsc_bpf.kernel.bpf.fentry_links import links_of
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Liveness, Path
from tests.kernel.direct import direct
from tests.kernel.faults import Steps, changes, killed_at, stepping
from tests.kernel.support.load import bearable
from tests.kernel.support.manager import managers
from tests.kernel.support.versions import Versions, at_rest, hooked, unfinished
from tests.kernel.support.waiting import eventually

DIRECT = AttachOptions(vf="vf0", settle_ms=10)
ATTACH = AttachOptions(vf="vf0", settle_ms=10, any_bus=True)
SELDOM = ("--interval", "3600")


def folder(lab: Lab) -> FilePath:
    return NetnsPins(lab.in_guest(namespaces.current_inode)).sentinel


def lose(lab: Lab, *, altogether: bool = False) -> set[str]:
    """Remove the sentinel, with its folder or without; return what it consisted of."""
    names = {path.name for path in folder(lab).iterdir()}
    for name in names:
        (folder(lab) / name).unlink()
    if altogether:
        folder(lab).rmdir()
    return names


def whole(lab: Lab, names: set[str]) -> bool:
    return folder(lab).is_dir() and {path.name for path in folder(lab).iterdir()} == names


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "losses",
    [
        pytest.param((True,), marks=[pytest.mark.guest, pytest.mark.newest], id="folder"),
        pytest.param((False, True), id="twice"),
    ],
)
def test_s64_removed_sentinel_is_restored_under_load_and_reported_each_time(
    lab: Lab, losses: tuple[bool, ...]
) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SELDOM)
        manager.wait_vf()
        before, scraped = at_rest(lab), manager.status
        names = {*links_of(scraped.liveness)}
        with UdpStream(udp_plan(lab, Direction.TX, rate=bearable(2000, emulated=400))) as stream:
            for times, altogether in enumerate(losses, start=1):
                assert lose(lab, altogether=altogether) == names
                reported = manager.wait_event("repaired", "sentinel", times)
                assert (reported["interface"], reported["hook"], reported["severity"]) == (
                    "manager",
                    "sentinel",
                    "warning",
                )
                # A tracing link may take long to go: the manager has begun when the first of them went.
                assert any(name in reported["text"] for name in names)
                assert whole(lab, names)
                manager.wait_path(Path.VF)
            result = stream.stop()
        assert (result.lost, result.duplicates) == (0, 0)
        assert (hooked(lab).build, hooked(lab).places) == (before.build, before.places)
        assert (
            len(manager.events_of("repaired")),
            manager.events_of("upgraded"),
            manager.events_of("failed"),
        ) == (
            len(losses),
            [],
            [],
        )
        manager.kill()
        lab.vf_down()
        eventually("the VF is left without a process", lambda: manager.status.path is Path.SYNTHETIC)


def test_s64_attach_puts_a_removed_sentinel_back(lab: Lab) -> None:
    with direct(lab) as here:
        here.attach()
        names = lose(lab, altogether=True)
        here.attach()
        assert whole(lab, names)
        eventually("the VF is used again", lambda: here.status().path is Path.VF)
        lab.vf_down()
        eventually("the VF is left", lambda: here.status().path is Path.SYNTHETIC)


@pytest.mark.timeout(300)
def test_s64_no_vf_is_used_that_died_unseen_wherever_putting_it_back_was_killed(lab: Lab) -> None:
    with direct(lab) as here:
        here.attach()
        lose(lab)
        with stepping(Steps()) as steps:
            here.attach()
        eventually("the VF is used", lambda: here.status().path is Path.VF)
        assert {"move", "remove_tree", "test_run"} <= {*steps.names}
        for at in changes(steps.names):
            changed = here.status().path_changes
            lose(lab)
            killed_at(lab, at, lambda: attach("eth0", DIRECT))
            here.attach()
            eventually("the VF is used again", lambda: here.status().path is Path.VF)
            where = f"killed before {steps.names[at]} (call {at})"
            # Left and used again: it has settled since it is watched.
            assert (where, here.status().path_changes) > (where, changed + 1)
            assert (where, unfinished()) == (where, [])


@pytest.mark.guest
@pytest.mark.oldest
@pytest.mark.timeout(300)
def test_s64_manager_disarms_what_a_lost_sentinel_does_not_detect(
    lab: Lab, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managers(lab) as start:
        if lab.in_guest(attach, "eth0", ATTACH).status.liveness is not Liveness.FENTRY:
            pytest.skip("this kernel refuses fentry programs: there is no sentinel that sees a VF fail")
        installed = versions.installed()
        for name, value in installed.items():
            monkeypatch.setenv(name, value)
        versions.spoil(installed)
        manager = start("eth0", *SELDOM)
        manager.wait_event("failed", "cannot compile the programs")
        lose(lab)
        lab.vf_down()
        manager.wait_path(Path.SYNTHETIC)
        lab.vf_up()
        manager.wait_vf()
        assert not manager.events_of("repaired")
