# SPDX-License-Identifier: GPL-2.0-only
"""What an operator chose with `attach` stays: through later attaches, `run` and its restarts."""

from pathlib import Path as FilePath

import pytest

from netvsc_bpf.kernel.bpf import attach_notes
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.path import GuardMode, Path, Reason
from tests.kernel.commands import state
from tests.kernel.conftest import Cli
from tests.kernel.manager.conftest import Start
from tests.kernel.support.manager import Manager, ip, tap
from tests.kernel.support.waiting import eventually

CHOSEN = ("--any-bus", "--settle", "70", "--guard", "off")


def chosen(lab: Lab) -> AttachChoice:
    ifindex = lab.ifindex(lab.guest, "eth0")
    return lab.in_guest(lambda: attach_notes.read(NetnsPins(namespaces.current_inode()), ifindex))


def in_force(manager: Manager) -> tuple[int | None, GuardMode]:
    return manager.status.settle_ms, manager.status.guard


def test_attach_again_keeps_what_it_is_not_given(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    first = state(netvsc_bpf_cli("attach", "eth0", *CHOSEN, "--json"))
    assert (first["settle_ms"], first["guard"], first["path"]) == (70, "off", "vf")
    again = state(netvsc_bpf_cli("attach", "eth0", "--json"))
    assert (again["settle_ms"], again["guard"], again["path"]) == (70, "off", "vf")
    assert (again["chosen"]["settle_ms"], again["chosen"]["guard"], again["chosen"]["vf"]) == (
        70,
        "off",
        None,
    )
    other = state(netvsc_bpf_cli("attach", "eth0", "--guard", "auto", "--settle", "90", "--json"))
    assert (other["settle_ms"], other["guard"]) == (90, "evidence")
    assert chosen(lab) == AttachChoice(any_bus=True, settle_ms=90)
    assert "--any-bus --settle 90, kept unless" in netvsc_bpf_cli("status").stdout


def test_attach_that_fails_leaves_the_earlier_choice(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    state(netvsc_bpf_cli("attach", "eth0", *CHOSEN, "--json"))
    before = chosen(lab)
    assert netvsc_bpf_cli("attach", "eth0", "--rx", "kernel", "--settle", "90").returncode == 3
    assert chosen(lab) == before
    assert netvsc_bpf_cli("detach", "eth0").returncode == 0
    again = state(netvsc_bpf_cli("attach", "eth0", "--any-bus", "--json"))
    assert (again["settle_ms"], again["guard"]) == (100, "evidence"), "detach forgets it"


def test_run_and_its_restarts_keep_it_until_the_file_names_the_interface(
    lab: Lab, start: Start, netvsc_bpf_cli: Cli, tmp_path: FilePath
) -> None:
    state(netvsc_bpf_cli("attach", "eth0", *CHOSEN, "--json"))
    file = tmp_path / "x.toml"
    file.write_text("[attach]\nsettle_ms = 20\nguard = 'all'\n")
    for _ in range(2):
        manager = start(lab, "eth0", "--config", str(file))
        manager.wait_vf()
        netvsc_bpf_cli("attach", "eth0")  # it has reconciled when this returns
        assert in_force(manager) == (70, GuardMode.OFF)
        manager.kill()
    file.write_text("[attach]\nsettle_ms = 20\nguard = 'all'\n[interface.eth0]\nsettle_ms = 30\n")
    manager = start(lab, "eth0", "--config", str(file))
    eventually("the section is obeyed", lambda: in_force(manager) == (30, GuardMode.OFF))


def test_attach_beside_a_manager_is_kept_by_it(lab: Lab, start: Start, netvsc_bpf_cli: Cli) -> None:
    manager = start(lab)
    manager.wait_vf()
    done = netvsc_bpf_cli("attach", "eth0", *CHOSEN)
    assert (done.returncode, done.stderr) == (0, "")
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    manager.wait_event("followed", "MTU 1400")
    assert in_force(manager) == (70, GuardMode.OFF)
    lab.unplug_vf()
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    lab.plug_vf()
    manager.wait_vf()
    assert in_force(manager) == (70, GuardMode.OFF)


def test_attach_that_the_managers_command_line_overrides_says_so(
    lab: Lab, start: Start, netvsc_bpf_cli: Cli
) -> None:
    manager = start(lab, "eth0", "--settle", "20")
    manager.wait_vf()
    done = netvsc_bpf_cli("attach", "eth0", *CHOSEN)
    assert done.returncode == 0
    assert "eth0: the running manager uses --settle 20 instead" in done.stderr
    assert "--guard" not in done.stderr
    assert in_force(manager) == (20, GuardMode.OFF)


def test_vf_that_was_named_is_the_one_that_is_used_when_it_returns(
    lab: Lab, start: Start, netvsc_bpf_cli: Cli
) -> None:
    state(netvsc_bpf_cli("attach", "eth0", "--vf", "vf0", "--settle", "20", "--json"))
    manager = start(lab, "eth0")
    manager.wait_vf()
    lab.unplug_vf()
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    tap(lab, "vf9")
    absent = state(netvsc_bpf_cli("attach", "eth0", "--any-bus", "--json"))
    assert absent["vf"] is None, "it waits for the VF that was named"
    lab.plug_vf()
    manager.wait_event("joined", "vf0", times=1)
    manager.wait_vf()
    assert manager.status.vf is not None and manager.status.vf.name == "vf0"
    assert not manager.events_of("joined", "vf9")
    manager.stop()
    ip(lab, "link", "del", "vf9")


@pytest.mark.parametrize("leave", ["down", "steer"])
def test_attach_leaves_a_damped_vf_to_the_manager(
    lab: Lab, start: Start, netvsc_bpf_cli: Cli, tmp_path: FilePath, leave: str
) -> None:
    strict = tmp_path / "strict.toml"
    policy = "[damping]\npenalty = 3000\nceiling = 9000\n"
    strict.write_text(f"[attach]\nsettle_ms = 20\nleave = '{leave}'\n{policy}")
    manager = start(lab, "eth0", "--config", str(strict))
    for failure in (1, 2):
        manager.wait_vf()
        lab.vf_down()
        manager.wait_event("switched", "vf-down", times=failure)
        lab.vf_up()
    manager.wait_event("damped")
    switched = len(manager.events_of("switched"))
    found = state(netvsc_bpf_cli("attach", "eth0", "--json"))
    assert (found["path"], found["reason"]) == ("synthetic", "damped")
    assert found["until"] is not None
    assert len(manager.events_of("switched")) == switched, "it was not armed in between"
    manager.kill()
    found = state(netvsc_bpf_cli("attach", "eth0", "--json"))
    assert (found["path"], found["reason"]) == ("vf", "armed"), "without a manager attach decides"
