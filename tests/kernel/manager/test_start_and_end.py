# SPDX-License-Identifier: GPL-2.0-only
"""`run` from its first moment to its last: signals while it starts, its log, its namespace."""

import errno
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import IO

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.process.namespace_holders import handles, has_processes
from netvsc_bpf.lab import leak_check
from netvsc_bpf.lab.namespace import command_in, create, namespace_path, remove
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.commands import PROGRAM
from tests.kernel.support.manager import Manager
from tests.kernel.support.scraping import try_scrape
from tests.kernel.support.sinks import sink
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]


@pytest.fixture
def pipe(tmp_path: FilePath) -> FilePath:
    """A configuration file that is read as soon as it is written: until then `run` is starting."""
    path = tmp_path / "netvsc-bpf.toml"
    os.mkfifo(path)
    return path


def opened(pipe: FilePath) -> IO[str]:
    """Open it for writing once it is opened for reading."""
    found: list[int] = []

    def is_read() -> bool:
        try:
            found.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            assert error.errno == errno.ENXIO
        return bool(found)

    eventually("the file is read", is_read)
    return os.fdopen(found[0], "w")


def test_sighup_while_it_starts_is_remembered(lab: Lab, start: Start, pipe: FilePath) -> None:
    manager = start(lab, "eth0", "--config", str(pipe))
    with opened(pipe) as file:
        manager.process.send_signal(signal.SIGHUP)
        file.write("[damping]\nhalf_life_s = 20\n")
    manager.wait_vf()  # else it could read both texts as one
    with opened(pipe) as file:
        file.write("[damping]\nhalf_life_s = 30\n")
    assert "half_life_s 30" in manager.wait_event("reloaded")["text"]
    assert not manager.noise


def state(pid: int) -> str:
    """Whether the process runs (R) or sleeps (S): proc(5), /proc/pid/stat. Its name may have spaces."""
    return FilePath(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def test_ctrl_c_while_it_starts_is_130_without_a_word(lab: Lab, start: Start, pipe: FilePath) -> None:
    manager = start(lab, "eth0", "--config", str(pipe))
    with opened(pipe):
        # Python looks for signals when a call was interrupted: one that comes just before it is not seen.
        eventually("it waits for the file's text", lambda: state(manager.process.pid) == "S")
        manager.process.send_signal(signal.SIGINT)
        assert manager.process.wait(timeout=60) == 130
    assert not manager.noise and not manager.events


def test_ctrl_c_is_130_and_leaves_the_data_path(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0")
    manager.wait_vf()
    manager.process.send_signal(signal.SIGINT)
    assert manager.process.wait(timeout=60) == 130
    assert not manager.noise
    assert manager.where is not None and manager.where[0] is Path.VF


@pytest.mark.parametrize("kind", ["full", "closed", "gone", "blocked"])
def test_s89_the_manager_neither_ends_for_its_log_nor_waits_for_it(lab: Lab, kind: str) -> None:
    closing = " 2>&-" if kind == "closed" else ""
    command = [*PROGRAM, "--netns", lab.guest, "run", "eth0", "--any-bus", "--settle", "20"]
    with sink("full" if kind == "closed" else kind) as fd:
        process = subprocess.Popen(
            ["sh", "-c", f'exec "$@"{closing}', "sh", *command], stdin=subprocess.DEVNULL, stderr=fd
        )
        try:

            def on(path: Path) -> None:
                def holds() -> bool:
                    assert process.poll() is None
                    found = lab.in_guest(datapath.status)
                    return (
                        bool(found)
                        and found[0].path is path
                        and (found[0].vf is not None) == (path is Path.VF)
                    )

                eventually(f"on {path}", holds)

            on(Path.VF)
            for _ in range(2):
                lab.unplug_vf()
                on(Path.SYNTHETIC)
                lab.plug_vf()
                on(Path.VF)
            if kind in ("full", "gone"):
                found = try_scrape(lab)
                assert found is not None and (found.value("log_lines_lost_total") or 0) > 0
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            process.wait()
            lab.in_guest(datapath.detach_all)


def test_a_manager_whose_namespace_is_deleted_detaches_says_so_and_ends(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0")
    manager.wait_vf()
    remove(lab.guest)
    create(lab.guest)  # another one of that name is not it
    assert manager.process.wait(timeout=60) == 1
    manager.close()
    assert f"network namespace {lab.guest} was deleted" in manager.events_of("failed")[-1]["text"]
    why = f"network namespace {lab.guest} was deleted; its pairs are detached"
    assert manager.noise == [f"netvsc-bpf: the manager has ended: {why}\n"]
    assert leak_check.pins() == ()


def test_a_namespace_without_a_name_with_a_process_in_it_is_not_deleted(lab: Lab) -> None:
    inode = namespace_path(lab.guest).stat().st_ino
    assert handles(inode) == (namespace_path(lab.guest),)
    # The shell is our child, and does not count; what it starts does.
    living = subprocess.Popen(command_in(lab.guest, ["sh", "-c", "sleep infinity; :"]))
    try:
        eventually("somebody is there", lambda: has_processes(inode))
        remove(lab.guest)
        create(lab.guest)
        assert handles(inode) == () and has_processes(inode)
    finally:
        (child,) = FilePath(f"/proc/{living.pid}/task/{living.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        living.wait()
    assert not has_processes(inode)
