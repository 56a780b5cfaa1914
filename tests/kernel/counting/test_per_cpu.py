# SPDX-License-Identifier: GPL-2.0-only
"""Counters are per CPU, and the sum is exact however many count at once."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pytest

from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Path
from netvsc_bpf.model.status import Traffic
from tests.kernel.support import blast
from tests.kernel.support.attachment import attached
from tests.kernel.support.devices import NO_FABRIC, silence, transmitted
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, ethernet
from tests.kernel.support.waiting import eventually

FRAMES = 10_000
SIZE = 100
OUT = ethernet(OTHER_MAC, bytes(SIZE - 14), source=GUEST_MAC)
IN = ethernet(GUEST_MAC, bytes(SIZE - 14))


def blast_all(jobs: Sequence[tuple[str, str, bytes]]) -> int:
    """Send by all (namespace, interface, frame) from every CPU at once; return how many senders each had."""
    cpus = sorted(os.sched_getaffinity(0))
    with ExitStack() as ended:
        senders = [
            ended.enter_context(
                subprocess.Popen(
                    [sys.executable, blast.__file__, place, interface, str(cpu), str(FRAMES), frame.hex()],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for place, interface, frame in jobs
            for cpu in cpus
        ]
        for sender in senders:
            ended.callback(sender.kill)
            assert sender.stdout is not None
            assert sender.stdout.readline() == "ready\n"
        for sender in senders:
            assert sender.stdin is not None
            sender.stdin.write("go\n")
            sender.stdin.flush()
        assert [sender.wait() for sender in senders] == [0] * len(senders)
    return len(cpus)


@pytest.mark.parametrize(
    "path", [Path.SYNTHETIC, pytest.param(Path.VF, marks=[pytest.mark.guest, pytest.mark.oldest])]
)
def test_s54_counters_add_up_exactly_under_load_from_every_cpu(
    lab_factory: Callable[[LabPlan], Lab], path: Path
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=GuardMode.OFF) as pair:
        if path is Path.SYNTHETIC:
            lab.vf_carrier(False)
            eventually("carrier gone", lambda: pair.path is path)
        before = pair.status().tx
        cpus = blast_all([(lab.guest, "eth0", OUT)] * 2)
        after = pair.status().tx
    sent = 2 * cpus * FRAMES
    used, unused = (after.vf, after.synthetic) if path is Path.VF else (after.synthetic, after.vf)
    used_before = before.vf if path is Path.VF else before.synthetic
    assert used == used_before + Traffic(sent, sent * SIZE)
    assert unused == (before.synthetic if path is Path.VF else before.vf)


@pytest.mark.parametrize("guard", [GuardMode.OFF, GuardMode.MULTICAST])
def test_s54_both_directions_and_paths_at_once_are_counted_apart(
    lab_factory: Callable[[LabPlan], Lab], guard: GuardMode
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=guard) as pair:
        before = pair.status()
        # What a veth could not hand over, it has not sent.
        ports = {port: transmitted(lab, lab.fabric, port) for port in ("vf0", "syn0")}
        cpus = blast_all([(lab.guest, "eth0", OUT), (lab.fabric, "vf0", IN), (lab.fabric, "syn0", IN)])
        ports = {port: transmitted(lab, lab.fabric, port) - then for port, then in ports.items()}
        expected = before.rx.vf + Traffic(ports["vf0"], ports["vf0"] * SIZE)
        eventually("all has been delivered", lambda: pair.status().rx.vf.packets >= expected.packets)
        after = pair.status()
    sent = cpus * FRAMES
    assert after.tx.vf == before.tx.vf + Traffic(sent, sent * SIZE)
    assert after.rx.vf == expected
    assert after.rx.synthetic == before.rx.synthetic + Traffic(ports["syn0"], ports["syn0"] * SIZE)
    assert ports["vf0"] > sent / 2
    assert ports["syn0"] > sent / 2
