# SPDX-License-Identifier: GPL-2.0-only
"""What the demo accepts, and that it sees what is left."""

import subprocess
from array import array
from collections.abc import Callable

import pytest

from netvsc_bpf.lab import leak_check
from netvsc_bpf.lab.demo_result import EventResult, Expectation, May
from netvsc_bpf.lab.recording import Loss, Recording
from netvsc_bpf.lab.topology import Lab

Cli = Callable[..., subprocess.CompletedProcess[str]]


def event(after: str, tx: Loss, expected: Expectation, vf_share: float = 0.0) -> EventResult:
    nothing = Recording(array("q"), array("q"), b"").all()
    return EventResult("VF down", expected, "vf", after, vf_share, done_ns=50, tx=tx, rx=nothing)


def loss(*copies: int) -> Loss:
    sent = range(0, 10 * len(copies), 10)
    return Recording(
        array("q", sent),
        array("q", [at if n else 0 for at, n in zip(sent, copies, strict=True)]),
        bytes(copies),
    ).all()


def test_demo_accepts_what_was_to_be_expected() -> None:
    assert event("synthetic", loss(1, 1, 1), Expectation("synthetic")).problems() == []
    in_flight = Expectation("synthetic", tx=May.LOSE_WHAT_IS_IN_FLIGHT)
    assert event("synthetic", loss(1, 0, 0, 1, 1), in_flight).problems() == []


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (event("vf", loss(1), Expectation("synthetic"), 1.0), "path is vf, expected synthetic"),
        (event("vf", loss(1), Expectation("vf"), 0.0), "0% of the frames"),
        (event("synthetic", loss(1, 0), Expectation("synthetic")), "tx: 1 packets lost"),
        (event("synthetic", loss(1, 2), Expectation("synthetic")), "tx: 1 packets arrived twice"),
        (
            event(
                "synthetic",
                loss(1, 1, 1, 1, 1, 0, 0),
                Expectation("synthetic", tx=May.LOSE_WHAT_IS_IN_FLIGHT),
            ),
            "tx: 2 packets lost",
        ),
    ],
)
def test_demo_names_what_was_not_to_be_expected(seen: EventResult, problem: str) -> None:
    (found,) = seen.problems()
    assert problem in found


def test_leftovers_are_seen_while_attached_and_gone_after_detach(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    assert leak_check.hooks(lab.guest) == leak_check.pins() == ()
    assert netvsc_bpf_cli("attach", "eth0", "--vf", "vf0").returncode == 0
    on = {hook.partition(":")[0] for hook in leak_check.hooks(lab.guest)}
    assert on == {"eth0", "vf0"}
    assert leak_check.pins()
    assert netvsc_bpf_cli("detach", "eth0").returncode == 0
    assert leak_check.hooks(lab.guest) == leak_check.pins() == ()
