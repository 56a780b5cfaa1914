# SPDX-License-Identifier: GPL-2.0-only
"""Every command with its output on a full disk, closed, without a reader, or in a pipe that is not read."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from tests.kernel.commands import PROGRAM
from tests.kernel.support.attachment import attached
from tests.kernel.support.sinks import sink
from tests.kernel.support.waiting import eventually

PRINTING = {
    "status": ("status",),
    "events": ("events",),
    "top": ("top", "--once", "--interval", "0.1"),
    "metrics": ("metrics",),
    "help": ("--help",),
    "version": ("--version",),
}
"""What is printed is the work."""
WORKING = {
    "attach": ("attach", "eth0", "--any-bus", "--settle", "10"),
    "attach as JSON": ("attach", "eth0", "--any-bus", "--settle", "10", "--json"),
    "doctor": ("doctor",),
}
"""The exit status says how the work went."""
ALL = PRINTING | WORKING
UNREAD = "netvsc-bpf: cannot write to standard output: it is not read\n"
FULL = "netvsc-bpf: cannot write to standard output: no space left on device\n"


class Running:
    """A command whose stdout and stderr each lead to a file, or to a sink of this kind: full, closed, ..."""

    def __init__(self, lab: Lab, args: Sequence[str], stack: ExitStack, *, stdout: str, stderr: str) -> None:
        self._files = [stack.enter_context(TemporaryFile("w+")) for _ in range(2)]  # noqa: SIM115
        kinds = (stdout, stderr)
        fds = [
            stack.enter_context(sink(kind)) if kind in ("full", "gone", "blocked") else file.fileno()
            for kind, file in zip(kinds, self._files, strict=True)
        ]
        closing = "".join(f" {number}>&-" for number, kind in enumerate(kinds, 1) if kind == "closed")
        command = ["sh", "-c", f'exec "$@"{closing}', "sh", *PROGRAM, "--netns", lab.guest, *args]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=fds[0], stderr=fds[1])
        stack.callback(self._end)

    def status(self) -> int:
        return self.process.wait(timeout=60)

    def printed(self) -> tuple[str, str]:
        found = []
        for file in self._files:
            file.seek(0)
            found.append(file.read())
        return found[0], found[1]

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


Begin = Callable[..., Running]


@pytest.fixture
def begin(lab: Lab) -> Iterator[Begin]:
    """begin(*args, stdout="", stderr=""), with a pair attached."""
    with attached(lab, settle_ms=10), ExitStack() as stack:
        yield lambda *args, stdout="", stderr="": Running(lab, args, stack, stdout=stdout, stderr=stderr)


def outcome(begin: Begin, names: Iterable[str], stdout: str = "") -> dict[str, tuple[int, str]]:
    """The exit status of each command, and what it said on stderr."""
    running = {name: begin(*ALL[name], stdout=stdout) for name in names}
    return {name: (one.status(), one.printed()[1]) for name, one in running.items()}


def test_s89_full_disk_is_one_line_and_fails_only_commands_that_print(begin: Begin) -> None:
    whole, cut = outcome(begin, ALL), outcome(begin, ALL, "full")
    expected = {name: (1 if name in PRINTING else whole[name][0], whole[name][1] + FULL) for name in ALL}
    assert cut == expected


@pytest.mark.parametrize("kind", ["closed", "gone"])
def test_s89_without_a_reader_the_exit_status_is_that_of_the_work(begin: Begin, kind: str) -> None:
    assert outcome(begin, ALL, kind) == outcome(begin, ALL)


def test_s89_work_ends_although_output_is_not_read(begin: Begin) -> None:
    whole, cut = outcome(begin, WORKING), outcome(begin, WORKING, "blocked")
    assert cut == {name: (status, said + UNREAD) for name, (status, said) in whole.items()}


def test_s89_printing_command_waits_for_its_reader_and_handles_ctrl_c(begin: Begin) -> None:
    waiting = {name: begin(*PRINTING[name], stdout="blocked") for name in PRINTING}
    for name, one in waiting.items():
        eventually(f"{name} waits for room", lambda pid=one.process.pid: polls(pid))
        one.process.send_signal(signal.SIGINT)
    assert {name: one.status() for name, one in waiting.items()} == dict.fromkeys(PRINTING, 130)
    assert not [name for name, one in waiting.items() if "Traceback" in one.printed()[1]]


def polls(pid: int) -> bool:
    """Whether a process is in poll(2): commands that print have nothing else to wait for."""
    return "poll" in wchan(pid)


@pytest.mark.parametrize("kind", ["full", "closed", "gone", "blocked"])
def test_s89_a_stderr_that_takes_nothing_changes_no_exit_status(begin: Begin, kind: str) -> None:
    wrong = {("status", "eth7"): 3, ("attach", "eth7"): 3, ("attach",): 2, ("nonsense",): 2, ("status",): 1}
    running = {args: begin(*args, stderr=kind, stdout="full") for args in wrong}
    assert {args: one.status() for args, one in running.items()} == wrong


@pytest.mark.parametrize("options", [(), ("-w", "-")])
def test_s89_capture_ends_with_its_output(lab: Lab, begin: Begin, options: tuple[str, ...]) -> None:
    with UdpStream(udp_plan(lab, Direction.TX, rate=2000)):
        full, gone = (begin("capture", "eth0", *options, stdout=kind) for kind in ("full", "gone"))
        closed = begin("capture", "eth0", *options, "-c", "10", stdout="closed")
        assert (full.status(), gone.status(), closed.status()) == (1, 0, 0)
    assert full.printed()[1].splitlines(keepends=True)[-1] == FULL
    assert not [one for one in (full, gone, closed) if "Traceback" in one.printed()[1]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [(), ("-w", "-")])
def test_s89_capture_handles_signals_while_its_output_is_not_read(
    lab: Lab, begin: Begin, options: tuple[str, ...], number: int
) -> None:
    with UdpStream(udp_plan(lab, Direction.TX, rate=5000)) as stream:
        capture = begin("capture", "eth0", *options, stdout="blocked")
        # Text goes through tcpdump and a thread, which fill up first; of pcapng the first bytes wait.
        begun = (
            (lambda: "listening" in capture.printed()[1])
            if not options
            else lambda: polls(capture.process.pid)
        )
        eventually("it has begun", begun)
        sent = stream.sent
        eventually("there is more than pipes hold", lambda: stream.sent > sent + 10_000)
        capture.process.send_signal(number)
        assert capture.status() == 1
    lines = capture.printed()[1].splitlines()
    assert lines[-1] == UNREAD.strip() and "Traceback" not in "".join(lines)


def test_s89_capture_to_a_full_disk_is_one_line(lab: Lab, begin: Begin) -> None:
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        capture = begin("capture", "eth0", "-w", "/dev/full")
        assert capture.status() == 1
    assert capture.printed()[1].splitlines() == [
        "netvsc-bpf: cannot write /dev/full: No space left on device; choose another file with -w"
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_s89_capture_waits_for_the_reader_of_a_named_pipe_and_hears_signals(
    begin: Begin, tmp_path: Path, number: int
) -> None:
    os.mkfifo(tmp_path / "pipe")
    capture = begin("capture", "eth0", "-w", str(tmp_path / "pipe"))
    eventually("it waits", lambda: "nanosleep" in wchan(capture.process.pid))
    capture.process.send_signal(number)
    assert capture.status() == (130 if number == signal.SIGINT else 0)
    assert capture.printed()[1] == ""


def test_s89_a_file_that_is_opened_never_becomes_stdout_or_stderr(lab: Lab, begin: Begin) -> None:
    """Closed descriptors are the first to be reused: for a map, a socket, or another file."""
    process = begin("events", "--follow", stdout="closed", stderr="closed").process
    links = [Path(f"/proc/{process.pid}/fd/{number}") for number in (1, 2)]
    eventually("both are taken", lambda: all(link.exists() for link in links))
    eventually("it follows", lambda: polls(process.pid) or "nanosleep" in wchan(process.pid))
    assert [str(link.readlink()) for link in links] == ["/dev/null"] * 2


def wchan(pid: int) -> str:
    return Path(f"/proc/{pid}/wchan").read_text()
