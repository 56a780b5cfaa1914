# SPDX-License-Identifier: GPL-2.0-only
"""The manager's log where it cannot be written: lost, counted, reported, without blocking."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netvsc_bpf.manager.events.kinds import Event, Kind
from netvsc_bpf.manager.events.log import Log
from netvsc_bpf.model.severity import Severity


def form(event: Event) -> str:
    return event.text


def event(text: str) -> Event:
    return Event(Kind.JOINED, "eth0", text)


@pytest.fixture
def full() -> Iterator[tuple[int, int]]:
    """A pipe that is full: its two ends."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    yield reading, writing
    for fd in (reading, writing):
        os.close(fd)


def until(log: Log, lost: int) -> None:
    while log.lost() < lost:
        time.sleep(0.001)


def test_s89_lines_that_wait_behind_too_many_are_lost_and_counted(full: tuple[int, int]) -> None:
    reading, writing = full
    with Log(form, writing, most=3) as log:
        for number in range(10):
            log(event(f"line {number}"))
        lost = log.lost()
        assert lost in (6, 7), "one may be in the hands of the thread that writes, three wait"
        said = b""
        while said.count(b"line ") < 10 - lost:
            said += os.read(reading, 1 << 20)
    lines = said.strip(b"x").decode().splitlines()
    missing = [int(line.split()[0]) for line in lines if "could not be written" in line]
    kept = [line for line in lines if line.startswith("line ")]
    assert sum(missing) == lost and len(kept) == 10 - lost
    assert kept == sorted(kept) and kept[0] == "line 0"
    assert log.lost() == lost


def test_s89_what_was_lost_is_reported_once_something_can_be_written_again(
    tmp_path: Path,
) -> None:
    target = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    disk = os.open("/dev/full", os.O_WRONLY)
    try:
        with Log(form, disk) as log:
            for number in range(3):
                log(event(f"line {number}"))
            until(log, 3)
            os.dup2(target, disk)
            for number in range(3, 5):
                log(event(f"line {number}"))
        said = os.pread(target, 4096, 0).decode().splitlines()
    finally:
        os.close(target)
        os.close(disk)
    assert said == ["3 events are missing here: they could not be written to stderr", "line 3", "line 4"]
    assert log.lost() == 3


def test_s89_at_the_end_a_pipe_without_reader_is_given_up(full: tuple[int, int]) -> None:
    with Log(form, full[1]) as log:
        for number in range(50):
            log(event(f"line {number}"))
    assert log.lost() == 50 and not log._thread.is_alive()


@pytest.mark.parametrize(
    ("level", "written"),
    [
        (Severity.DEBUG, ["reconciled", "joined", "damped", "failed"]),
        (Severity.INFO, ["joined", "damped", "failed"]),
        (Severity.WARNING, ["damped", "failed"]),
        (Severity.ERROR, ["failed"]),
    ],
)
def test_level_is_the_least_severe_that_is_written(level: Severity, written: list[str]) -> None:
    reading, writing = os.pipe()
    with Log(form, writing, level=level) as log:
        for kind in (Kind.RECONCILED, Kind.JOINED, Kind.DAMPED, Kind.FAILED):
            log(Event(kind, "eth0", kind.value))
        log.set_level(Severity.ERROR)
        log(Event(Kind.DAMPED, "eth0", "after a reload"))
    os.close(writing)
    with os.fdopen(reading) as file:
        assert file.read().splitlines() == written
    assert log.lost() == 0


def test_everything_is_written_before_the_block_ends() -> None:
    reading, writing = os.pipe()
    with Log(form, writing) as log:
        for number in range(200):
            log(event(f"line {number}"))
    os.close(writing)
    with os.fdopen(reading) as file:
        assert file.read().split("\n") == [*(f"line {number}" for number in range(200)), ""]
