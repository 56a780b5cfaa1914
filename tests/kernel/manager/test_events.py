# SPDX-License-Identifier: GPL-2.0-only
"""`netvsc-bpf events`: from a running manager, and from the kernel alone."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.manager.events.claim import socket_name
from tests.kernel.commands import PROGRAM
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.manager import Manager
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]
LabFactory = Callable[..., Lab]
Record = dict[str, Any]


def command(lab: Lab, *args: str) -> list[str]:
    return [*PROGRAM, "--netns", lab.guest, "events", *args]


def asked(lab: Lab) -> tuple[list[Record], str]:
    """What `events --json` prints, and what it says beside it."""
    done = subprocess.run(command(lab, "--json"), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def switches(records: list[Record]) -> list[tuple[str, str]]:
    return [(one["to"], one["reason"]) for one in records if one["event"] == "switched"]


class Follower:
    """`events --follow --json`; what it prints is collected."""

    def __init__(self, lab: Lab) -> None:
        self.records: list[Record] = []
        self.process = subprocess.Popen(
            command(lab, "--json", "--follow"), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.records.append(json.loads(line))

    def wait_for(self, *wanted: tuple[str, str]) -> None:
        """Return once exactly these path changes were shown."""
        eventually(
            f"{wanted}; reported was {self.records}", lambda: len(switches(list(self.records))) >= len(wanted)
        )
        assert switches(self.records) == list(wanted)

    def wait_kind(self, kind: str) -> Record:
        eventually(
            f"{kind}; reported was {self.records}", lambda: any(r["event"] == kind for r in self.records)
        )
        return next(one for one in self.records if one["event"] == kind)

    def interrupt(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        self._reader.join(timeout=60)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()


@contextmanager
def following(lab: Lab) -> Iterator[Follower]:
    follower = Follower(lab)
    try:
        yield follower
    finally:
        if follower.process.poll() is None:
            follower.process.kill()
            follower.process.wait()


def bounce(lab: Lab, pair: Attachment) -> None:
    """Take the VF down and up; a packet has to see either."""
    lab.vf_down()
    eventually("left", lambda: not pair.state().armed)
    lab.vf_up()
    eventually("back", lambda: bool(pair.state().armed))


ARMED, DOWN = ("vf", "armed"), ("synthetic", "vf-down")


def test_s62_without_a_manager_the_kernels_own_account_is_shown_and_stays(lab: Lab) -> None:
    with attached(lab, settle_ms=10) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        bounce(lab, pair)
        for _ in range(2):  # nothing is taken out by looking
            records, noted = asked(lab)
            assert switches(records) == [ARMED, DOWN, ARMED]
            assert "no manager runs here" in noted
        first, down, back = records
        assert down["severity"] == "warning" and back["severity"] == "info"
        assert first["vf"] == "vf0" and first["interface"] == "eth0"
        assert back["boottime_ns"] == pair.state().changed_at
        away_ns = back["boottime_ns"] - down["boottime_ns"]
        assert back["duration_s"] == pytest.approx(away_ns / 1e9, abs=1e-5)


def test_events_of_a_manager_and_those_from_before_its_time(lab: Lab, start: Start) -> None:
    with attached(lab, settle_ms=10), UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        lab.vf_down()
        manager = start(lab, "eth0", "--settle", "20")
        manager.wait_event("permitted")
        lab.vf_up()
        manager.wait_event("switched", "armed", times=2)
        records, noted = asked(lab)
    assert switches(records) == [ARMED, DOWN, ARMED] and not noted
    assert [one["time"] for one in records] == sorted(one["time"] for one in records)
    assert {one["event"] for one in records} >= {"permitted", "switched"}


def test_follow_passes_from_kernel_to_manager_and_back_and_shows_each_once(lab: Lab, start: Start) -> None:
    traffic = UdpStream(udp_plan(lab, Direction.TX, rate=500))
    with attached(lab, settle_ms=10), traffic, following(lab) as follower:
        follower.wait_for(ARMED)
        lab.vf_down()
        follower.wait_for(ARMED, DOWN)
        manager = start(lab, "eth0", "--settle", "20")
        follower.wait_kind("permitted")
        lab.vf_up()
        follower.wait_for(ARMED, DOWN, ARMED)
        manager.kill()
        lab.vf_down()
        follower.wait_for(ARMED, DOWN, ARMED, DOWN)
        again = start(lab, "eth0", "--settle", "30")
        again.wait_event("permitted")
        lab.vf_up()
        follower.wait_for(ARMED, DOWN, ARMED, DOWN, ARMED)
        code, noted = follower.interrupt()
    assert code == 130
    assert [line.split(":")[0] for line in noted.splitlines()] == ["netvsc-bpf"] * 2, noted


def test_sighup_ends_what_does_not_reload(lab: Lab) -> None:
    with attached(lab, settle_ms=10), following(lab) as follower:
        follower.wait_for(ARMED)
        follower.process.send_signal(signal.SIGHUP)
        assert follower.process.wait(timeout=60) == -signal.SIGHUP


def test_s89_a_stopped_manager_is_not_waited_for(lab: Lab, start: Start) -> None:
    with attached(lab, settle_ms=10) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        manager = start(lab, "eth0", "--settle", "20")
        manager.wait_event("permitted")
        with following(lab) as before:
            before.wait_for(ARMED)
            manager.process.send_signal(signal.SIGSTOP)
            try:
                with following(lab) as after:
                    lab.vf_down()
                    eventually("left", lambda: not pair.state().armed)
                    for follower in (before, after):
                        follower.wait_for(ARMED, DOWN)
                    code, noted = after.interrupt()
                records, noted_once = asked(lab)
            finally:
                manager.process.send_signal(signal.SIGCONT)
    assert switches(records) == [ARMED, DOWN]
    assert code == 130
    for said in (noted, noted_once):
        assert f"process {manager.process.pid} did not send all events within 10 s" in said


def test_s62_first_switch_to_a_vf_says_how_long_joining_took(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory(LabPlan(vf=False))
    manager = start(lab, "eth0", "--settle", "300")
    manager.wait_event("attached")
    before = CLOCKS.boottime()
    lab.plug_vf(up=False)
    first = manager.wait_event("switched", "armed")
    since_plugged_s = (first["boottime_ns"] - before) / 1e9
    assert 0.3 <= first["join_s"] <= since_plugged_s
    joined = manager.wait_event("joined")
    assert 0 < joined["duration_s"] < first["join_s"] and joined["vf"] == first["vf"] == "vf0"
    assert (joined["hook"], joined["step"]) == ("home", "Join")
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        lab.vf_down()
        left = manager.wait_event("switched", "vf-down")
        lab.vf_up()
        back = manager.wait_event("switched", "armed", times=2)
    for one, other in ((first, left), (left, back)):
        lasted_s = (other["boottime_ns"] - one["boottime_ns"]) / 1e9
        assert other["duration_s"] == pytest.approx(lasted_s, abs=1e-5)
    assert "join_s" not in back, "it was joined once"
    lab.unplug_vf()
    manager.wait_event("left")
    lab.plug_vf(up=False)
    assert "join_s" in manager.wait_event("switched", "armed", times=3), "this VF is another"


def test_follow_waits_for_a_pair_to_be_attached(lab: Lab) -> None:
    with following(lab) as follower, attached(lab, settle_ms=10):
        follower.wait_for(ARMED)


@pytest.mark.parametrize("options", [(), ("--follow",), ("--json", "--follow")])
def test_a_reader_that_leaves_ends_it_cleanly(lab: Lab, options: tuple[str, ...]) -> None:
    with attached(lab, settle_ms=10) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        for _ in range(3):
            bounce(lab, pair)
        reading, writing = os.pipe()
        process = subprocess.Popen(command(lab, *options), stdout=writing, stderr=subprocess.PIPE, text=True)
        os.close(writing)
        try:
            os.read(reading, 16)
        finally:
            os.close(reading)
        _, noted = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in noted and "Broken" not in noted


def test_text_is_one_line_an_event(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_event("switched", "armed")
    done = subprocess.run(command(lab), text=True, capture_output=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(asked(lab)[0])
    begins = [re.match(r"\S+ \S+  \w+ +(?=(eth0|manager) )", line) for line in lines]
    assert len({begin.end() for begin in begins if begin is not None}) == 1 and all(begins), "columns"
    assert any("joined" in line and "vf0" in line for line in lines)


def test_nothing_attached_and_no_manager_is_not_an_error(lab: Lab) -> None:
    assert asked(lab)[0] == []


def test_only_root_and_the_managers_own_user_are_served(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_event("attached")
    script = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        "s.settimeout(30)\n"
        "s.connect(chr(0) + sys.argv[1])\n"
        "print(s.makefile().readline())\n"
    )
    # Everybody can read in /proc/net/unix what the socket is called.
    name = (lab.in_guest(socket_name) or "")[1:]
    stranger = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", script, name]
    said = lab.run(lab.guest, stranger).stdout
    assert json.loads(said) == {
        "control": "refused",
        "why": "only root and the manager's own user are served",
    }
    assert manager.process.poll() is None


def test_interface_since_and_last_select(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory(LabPlan(pairs=2))
    manager = start(lab, "eth0", "eth1", "--settle", "20")
    for name in ("eth0", "eth1"):
        eventually(
            f"{name} is used",
            lambda name=name: name in {e["interface"] for e in manager.events_of("switched")},
        )

    def shown(*args: str) -> list[Record]:
        done = subprocess.run(command(lab, "--json", *args), text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    every = shown()
    assert {one["interface"] for one in shown("eth1")} == {"eth1"}
    assert shown("eth1") == [one for one in every if one["interface"] == "eth1"]
    assert shown("-n", "1") == every[-1:]
    since = every[-2]["time"]
    assert shown("--since", since) == [one for one in every if one["time"] >= since]
    assert shown("--since", "1d") == every
    missing = subprocess.run(command(lab, "eth7"), text=True, capture_output=True, check=False)
    assert (missing.returncode, missing.stdout) == (3, "")
    assert missing.stderr.startswith("netvsc-bpf: eth7: no such interface")
