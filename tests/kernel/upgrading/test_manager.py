# SPDX-License-Identifier: GPL-2.0-only
"""A manager of another version brings its programs, once; what comes later it leaves alone."""

import pytest

from netvsc_bpf.datapath import AttachOptions, attach
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path
from tests.kernel.support.manager import managers
from tests.kernel.support.versions import Versions, assert_of_one_version, at_rest, hooked, unfinished
from tests.kernel.support.waiting import eventually

ATTACH = AttachOptions(vf="vf0", settle_ms=10, any_bus=True)


@pytest.mark.timeout(600)
def test_s65_manager_of_another_version_takes_over_under_load(
    lab: Lab, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managers(lab) as start:
        old = start()
        old.wait_vf()
        first, hooks = old.status, at_rest(lab)
        with UdpStream(udp_plan(lab, Direction.TX, rate=2_000)) as stream:
            old.kill()
            with monkeypatch.context() as patch:
                for name, value in versions.installed().items():
                    patch.setenv(name, value)
                new = start()
            reported = new.wait_event("upgraded")
            goal = stream.received + 500
            eventually("traffic goes on", lambda: stream.received >= goal)
            result = stream.stop()
        now = hooked(lab)
        assert_of_one_version(now)
        assert f"programs {hooks.build:08x} replaced by {now.build:08x}" in reported["text"]
        assert now.places == hooks.places
        assert not set(now.programs.values()) & set(hooks.programs.values())
        assert (result.lost, result.duplicates) == (0, 0)
        assert (new.status.path, new.status.path_changes) == (Path.VF, first.path_changes)
        assert (
            len(new.events_of("upgraded")),
            new.events_of("failed", "programs"),
            new.events_of("repaired"),
        ) == (
            1,
            [],
            [],
        )

        lab.vf_down()  # the new ones know what to do
        new.wait_path(Path.SYNTHETIC)


def test_s65_manager_leaves_a_later_attach_of_another_version_alone(lab: Lab, versions: Versions) -> None:
    with managers(lab) as start:
        manager = start()
        manager.wait_vf()
        before = at_rest(lab)
        versions.next()
        lab.in_guest(attach, "eth0", ATTACH)
        changed = hooked(lab)
        assert changed.build != before.build
        lab.run(lab.guest, ["ip", "link", "set", "eth0", "mtu", "1400"])
        eventually("the manager has looked again", lambda: bool(manager.events_of("followed", "MTU 1400")))
        assert hooked(lab) == changed
        assert (manager.events_of("upgraded"), manager.events_of("failed")) == ([], [])


def test_s65_manager_that_cannot_compile_goes_on_with_the_old_programs(
    lab: Lab, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managers(lab) as start:
        lab.in_guest(attach, "eth0", ATTACH)
        before = hooked(lab)
        installed = versions.installed()
        for name, value in installed.items():
            monkeypatch.setenv(name, value)
        versions.spoil(installed)
        manager = start()
        manager.wait_event("failed", "the programs were not replaced: cannot compile the programs")
        lab.vf_down()
        eventually("the VF is left", lambda: manager.status.path is Path.SYNTHETIC)
        lab.vf_up()
        manager.wait_vf()
        assert (hooked(lab), unfinished()) == (before, [])
