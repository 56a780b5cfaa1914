# SPDX-License-Identifier: GPL-2.0-only
"""`run --config FILE` and SIGHUP, with a VF in use."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import GuardMode, Path
from tests.kernel.commands import PROGRAM, refused, run
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]
LabFactory = Callable[..., Lab]


@pytest.fixture
def file(tmp_path: FilePath) -> FilePath:
    return tmp_path / "netvsc-bpf.toml"


def hang_up(manager: Manager) -> None:
    manager.process.send_signal(signal.SIGHUP)


def settle_ms(lab: Lab, interface: str = "eth0") -> float:
    """The settle time that the kernel has for a pair."""

    def read() -> float:
        with LoadedObject(NetnsPins(namespaces.current_inode())) as loaded:
            slot = find_pair_slot(loaded, ifindex)
            assert slot is not None
            return loaded.pair(slot).settle_ns / 1e6

    ifindex = lab.ifindex(lab.guest, interface)
    return lab.in_guest(read)


def test_a_file_that_cannot_be_used_is_refused_before_anything_is_done(lab: Lab, file: FilePath) -> None:
    file.write_text("[attach]\nsettle_ms = 20\nany_bus = 'yes'\n")
    refused(run(lab, "run", "--config", str(file)), 2, f"{file}:3: any_bus takes true or false")


def test_a_new_settle_time_takes_effect_with_no_packet_lost(lab: Lab, start: Start, file: FilePath) -> None:
    file.write_text("[attach]\nsettle_ms = 20\n[announce]\nenabled = false\n")
    manager = start(lab, "eth0", "--config", str(file))
    manager.wait_vf()
    changes = manager.status.path_changes
    with UdpStream(udp_plan(lab, Direction.TX, rate=2000)) as stream:
        file.write_text("[attach]\nsettle_ms = 250\n[announce]\nenabled = false\n")
        hang_up(manager)
        assert "attach.settle_ms 250 instead of 20" in manager.wait_event("reloaded")["text"]
        eventually("the kernel has it", lambda: settle_ms(lab) == 250)
        sent = stream.sent
        eventually("traffic goes on", lambda: stream.sent > sent + 500)
        assert stream.stop().lost == 0
    assert manager.where is not None and manager.where[0] is Path.VF
    assert manager.status.path_changes == changes


def test_a_bad_file_is_refused_by_its_line_and_the_old_one_stays(
    lab: Lab, start: Start, file: FilePath
) -> None:
    file.write_text("[attach]\nsettle_ms = 20\n")
    manager = start(lab, "eth0", "--config", str(file))
    manager.wait_vf()
    for text, said in (
        ("[attach]\nsettle_ms = 5\n", f"{file}:2: settle_ms must be at least 10"),
        ("[attach]\nsettle_ms = 50\n\n[attach]\n", f"{file}:4: invalid TOML"),
        ("[damping]\nreuse = 9000\n", f"{file}:2: reuse (9000) must be below suppress"),
    ):
        file.write_text(text)
        hang_up(manager)
        assert "the previous configuration stays in force" in manager.wait_event("refused", said)["text"]
    file.unlink()
    hang_up(manager)
    manager.wait_event("refused", f"{file}: cannot be read")
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    manager.wait_event("followed", "vf0 has MTU 1400")
    assert (settle_ms(lab), manager.events_of("reloaded")) == (20, [])
    assert manager.stop() == 0


def test_interfaces_come_into_the_managers_care_and_leave_it_attached(
    lab_factory: LabFactory, start: Start, file: FilePath
) -> None:
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    file.write_text('[manager]\ninterfaces = ["eth0"]\n[attach]\nsettle_ms = 20\n')
    manager = start(lab, "", "--config", str(file))
    manager.wait_event("switched", "armed")
    file.write_text('[manager]\ninterfaces = ["eth1"]\n[interface.eth1]\nsettle_ms = 30\n')
    hang_up(manager)
    manager.wait_event("reloaded", 'manager.interfaces ["eth1"] instead of ["eth0"]')
    eventually("eth1 is used", lambda: len([m for m in manager.statuses() if m.path is Path.VF]) == 2)
    assert settle_ms(lab, "eth1") == 30 and settle_ms(lab, "eth0") == 20
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    ip(lab, "link", "set", "eth1", "mtu", "1400")
    manager.wait_event("followed", "vf1 has MTU 1400")
    assert not manager.events_of("followed", "vf0")


def test_damping_that_forgives_more_lets_a_damped_vf_back(lab: Lab, start: Start, file: FilePath) -> None:
    strict = "[attach]\nsettle_ms = 20\n[damping]\npenalty = 3000\n"
    file.write_text(strict + "ceiling = 9000\n")
    manager = start(lab, "eth0", "--config", str(file))
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        for failure in (1, 2):
            manager.wait_vf()
            lab.vf_down()
            manager.wait_event("switched", "vf-down", times=failure)
            lab.vf_up()
    manager.wait_event("damped")
    file.write_text(strict + "suppress = 20000\nreuse = 10000\nceiling = 90000\n")
    hang_up(manager)
    manager.wait_event("reloaded")
    manager.wait_vf()


def test_a_terminal_that_is_closed_ends_it_as_ever(lab: Lab) -> None:
    ours, its = os.openpty()
    command = command_in(lab.guest, [*PROGRAM, "run", "eth7"])
    process = subprocess.Popen(["setsid", "--ctty", *command], stdin=its, stdout=its, stderr=its)
    os.close(its)
    said = b""
    while b"waiting" not in said:
        said += os.read(ours, 4096)
    process.send_signal(signal.SIGHUP)  # the terminal is there: somebody wants it to read again
    while b"nothing changed" not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    assert process.wait(timeout=60) == 0


def test_sighup_without_a_file_changes_nothing(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    hang_up(manager)
    assert manager.wait_event("reloaded")["text"] == "nothing changed"
    hang_up(manager)
    manager.wait_event("reloaded", times=2)
    assert manager.stop() == 0


def test_guard_that_the_file_does_not_set_any_more_is_chosen_automatically(
    lab: Lab, start: Start, file: FilePath
) -> None:
    file.write_text("[attach]\nguard = 'off'\n")
    manager = start(lab, "eth0", "--config", str(file))
    manager.wait_vf()
    for text, guard in (
        ("guard = 'auto'", GuardMode.EVIDENCE),
        ("guard = 'all'", GuardMode.ALL),
        ("", GuardMode.EVIDENCE),
        ("guard = 'off'", GuardMode.OFF),
    ):
        file.write_text(f"[attach]\n{text}\n")
        hang_up(manager)
        eventually(f"guard with {text!r}", lambda guard=guard: manager.status.guard is guard)
    manager.kill()
    file.write_text("")
    again = start(lab, "eth0", "--config", str(file))
    eventually("another manager sees to it too", lambda: again.status.guard is GuardMode.EVIDENCE)
