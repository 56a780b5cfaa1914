# SPDX-License-Identifier: GPL-2.0-only
"""A million known frames each way, over both paths, with switches in between: every one in its place."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pytest

from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.support import blast
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.devices import NO_FABRIC, silence, transmitted
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, ethernet
from tests.kernel.support.scraping import Scrape, collecting
from tests.kernel.support.waiting import eventually

MILLION = 1_000_000
ROUNDS = 5
SETTLE_MS = 10
SIZES = (60, 1514)
"""By path, so that bytes on the wrong one would show."""


def outgoing(path: Path) -> bytes:
    return ethernet(OTHER_MAC, bytes(SIZES[path is Path.VF] - 14), source=GUEST_MAC)


def incoming(path: Path) -> bytes:
    return ethernet(GUEST_MAC, bytes(SIZES[path is Path.VF] - 14))


def blast_all(jobs: Sequence[tuple[str, str, bytes]], frames: int) -> None:
    """Send `frames` frames by each (namespace, interface, frame), all at once, spread over the CPUs."""
    cpus = sorted(os.sched_getaffinity(0))
    with ExitStack() as ended:
        senders = []
        for number, (place, interface, frame) in enumerate(jobs):
            cpu = cpus[number % len(cpus)]
            argv = [sys.executable, blast.__file__, place, interface, str(cpu), str(frames), frame.hex()]
            sender = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            senders.append(ended.enter_context(sender))
            ended.callback(sender.kill)
        for sender in senders:
            assert sender.stdout is not None and sender.stdin is not None
            assert sender.stdout.readline() == "ready\n"
            sender.stdin.write("go\n")
            sender.stdin.flush()
        assert [sender.wait() for sender in senders] == [0] * len(senders)


def carried(found: Scrape, direction: str, path: Path) -> tuple[float, float]:
    labels = {"interface": "eth0", "direction": direction, "path": path.value}
    return found.value("packets_total", **labels) or 0, found.value("bytes_total", **labels) or 0


def switch(pair: Attachment, path: Path) -> None:
    pair.lab.vf_carrier(path is Path.VF)
    if path is Path.VF:
        # Steer looks at the VF on a packet; there is no traffic now, and what is asked must not be counted.
        eventually("usable", lambda: pair.control(ControlCommand.CHECK) is not None and pair.path is path)
    else:
        eventually("left", lambda: pair.path is path)


@pytest.mark.timeout(900)
def test_s54_a_million_packets_each_way_are_all_counted_where_they_went(
    lab_factory: Callable[[LabPlan], Lab],
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    ports = {Path.VF: "vf0", Path.SYNTHETIC: "syn0"}
    sent = {(direction, path): 0 for direction in ("tx", "rx") for path in Path}
    with attached(lab, settle_ms=SETTLE_MS) as pair:
        scrape = collecting(lab)
        begin = scrape()
        share = MILLION // (2 * ROUNDS)
        for _ in range(ROUNDS):
            for path in Path:
                switch(pair, path)
                before = transmitted(lab, lab.fabric, ports[path])
                jobs = [
                    (lab.guest, "eth0", outgoing(path)),
                    (lab.fabric, ports[path], incoming(path)),
                ]
                blast_all(jobs, share)
                sent["tx", path] += share
                # What a veth could not hand over it has not sent.
                sent["rx", path] += transmitted(lab, lab.fabric, ports[path]) - before
        assert sum(number for (direction, _), number in sent.items() if direction == "tx") == MILLION

        def counted() -> dict[tuple[str, Path], tuple[float, float]]:
            now, found = scrape(), {}
            for key in sent:
                then, later = carried(begin, *key), carried(now, *key)
                found[key] = later[0] - then[0], later[1] - then[1]
            return found

        expected = {
            (direction, path): (float(number), float(number * SIZES[path is Path.VF]))
            for (direction, path), number in sent.items()
        }

        def delivered() -> bool:
            found = counted()
            return all(found[key][0] >= number for key, (number, _) in expected.items())

        eventually("all has been delivered", delivered)
        assert counted() == expected
        assert sum(number for (direction, _), number in sent.items() if direction == "rx") > MILLION / 2
        # Every change of path there was is counted as well: each round leaves the VF once.
        labels = {"interface": "eth0", "to": "synthetic", "reason": "no-carrier"}
        assert scrape().value("path_changes_total", **labels) == ROUNDS
