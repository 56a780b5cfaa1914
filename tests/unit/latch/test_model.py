# SPDX-License-Identifier: GPL-2.0-only
"""A VF that failed after the last look is never left armed: every interleaving, and what each step is for."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.latch.checker import search
from tests.unit.latch.steps import MANUAL, MEMORY, PENDING, Latch, Thread

# It only computes: half a minute on an idle machine, and as much longer as the machine is busy.
pytestmark = pytest.mark.timeout(900)

REPO = Path(__file__).parents[3]

WHOLE = Latch()
LEAVERS = {"carrier": WHOLE.carrier_lost(), "down and up": WHOLE.down_and_up()}
RETURNER = {"returner": WHOLE.returner()}
USERSPACE = {"userspace": WHOLE.withdrawn(permitted_again=True)}


def never_left_armed(memory: Mapping[str, int]) -> bool:
    """The invariant once all threads have ended: an armed VF is permitted and can carry traffic."""
    allowed = memory["permitted"] and memory["vf_dev"] and not memory["held"]
    return not memory["armed"] or (bool(allowed) and not memory["state"])


def violation(threads: Mapping[str, Thread], armed: int, *, reorders: bool = True) -> str:
    outcome = search(threads, {**MEMORY, "armed": armed}, never_left_armed, reorders=reorders)
    print(f"{', '.join(threads)}: {outcome.states:,} states")
    return "" if outcome.trace is None else "\n".join(outcome.trace)


@pytest.mark.parametrize("armed", [0, 1])
def test_s95_two_leavers_a_returner_and_userspace_in_every_order(armed: int) -> None:
    # With reordering these are 8,129,161 states, four minutes; the tests below leave out one thread each.
    assert violation({**LEAVERS, **RETURNER, **USERSPACE}, armed, reorders=False) == ""


@pytest.mark.parametrize("armed", [0, 1])
def test_s95_two_leavers_and_a_returner_on_a_machine_that_reorders(armed: int) -> None:
    assert violation({**LEAVERS, **RETURNER}, armed) == ""


@pytest.mark.parametrize("leaver", LEAVERS)
def test_s95_a_leaver_a_returner_and_userspace_on_a_machine_that_reorders(leaver: str) -> None:
    assert violation({leaver: LEAVERS[leaver], **RETURNER, **USERSPACE}, 0) == ""


def two_looks(latch: Latch) -> dict[str, Thread]:
    """The first look notes the time, the second one arms: the CPU that loses the carrier may stall."""
    return {"carrier": latch.carrier_lost(), "returner": latch.returner(looks=2)}


def userspace_and_a_look(latch: Latch) -> dict[str, Thread]:
    return {
        "carrier": latch.carrier_lost(),
        "returner": latch.returner(),
        "userspace": latch.withdrawn(permitted_again=True),
    }


def command_while_withdrawn(latch: Latch) -> dict[str, Thread]:
    return {"command": latch.armed_by_command(), "userspace": latch.withdrawn()}


def command_while_down(latch: Latch) -> dict[str, Thread]:
    return {"command": latch.armed_by_command(), "down": latch.down_and_up(up=False)}


BROKEN = [
    pytest.param(two_looks, Latch({"arm-2"}), id="arm-2, failures"),
    pytest.param(command_while_withdrawn, Latch({"arm-3"}), id="arm-3, permitted"),
    pytest.param(command_while_down, Latch({"arm-4"}), id="arm-4, held"),
    pytest.param(command_while_down, Latch({"hold"}), id="hold"),
    pytest.param(two_looks, Latch({"leave-2"}), id="leave-2, failures"),
    pytest.param(two_looks, Latch({"leave-3"}), id="leave-3, armed"),
    pytest.param(two_looks, Latch(disarms_first=True), id="leave-3 before leave-2"),
    pytest.param(two_looks, Latch({"carrier-2"}), id="carrier-2, once the carrier is gone"),
]


@pytest.mark.parametrize(("scene", "latch"), BROKEN)
def test_s95_without_a_step_a_vf_that_failed_is_left_armed(scene, latch: Latch) -> None:  # type: ignore[no-untyped-def]
    assert violation(scene(WHOLE), 0) == ""
    assert violation(scene(latch), 0, reorders=False)


@pytest.mark.parametrize("barrier", ["barriers of leave-2", "barrier after return-1"])
def test_s95_without_a_barrier_only_a_machine_that_reorders_leaves_it_armed(barrier: str) -> None:
    scene = userspace_and_a_look(Latch({barrier}))
    assert violation(scene, 0, reorders=False) == ""
    assert violation(scene, 0)


def returns_by_itself(latch: Latch, leaver: Thread, *, reorders: bool = False) -> str:
    """Return how a pair with the return policy `manual` is used again after its VF failed, empty if never."""
    threads = {"leaver": leaver, "returner": latch.returner(looks=2), "userspace": latch.armed_by_command()}

    def pending(memory: Mapping[str, int]) -> bool:
        return memory["returns"] == PENDING and not memory["armed"]

    outcome = search(threads, {**MEMORY, "returns": MANUAL}, pending, reorders=reorders)
    return "" if outcome.trace is None else "\n".join(outcome.trace)


BY_HAND = Latch(manual=True)


@pytest.mark.parametrize(
    "leaver",
    [BY_HAND.stalled(), BY_HAND.carrier_lost(), BY_HAND.down_and_up()],
    ids=["stalled", "carrier", "down and up"],
)
def test_s100_vf_that_failed_is_not_used_again_by_any_cpu(leaver: Thread) -> None:
    assert returns_by_itself(BY_HAND, leaver) == ""


def test_s100_vf_that_failed_is_not_used_again_by_a_cpu_that_reorders() -> None:
    assert returns_by_itself(BY_HAND, BY_HAND.stalled(), reorders=True) == ""


@pytest.mark.parametrize("without", ["arm-5", "leave-5", "leave-6"])
def test_s100_without_a_step_a_vf_that_failed_returns_by_itself(without: str) -> None:
    """Without return-9 it would not stay armed either, but be armed for a moment by each packet."""
    latch = Latch({without}, manual=True)
    assert returns_by_itself(latch, latch.stalled())


def test_s95_the_model_and_the_programs_call_their_steps_the_same() -> None:
    """Every named step of the C is in the model, and vice versa."""
    named = re.compile(r"\b(?:leave|return|arm|permit|withdraw|carrier|down|up|command)-\d\b")
    sources = [REPO / "ebpf" / name for name in ("latch.h", "control.c", "sentinel.c")]
    in_c = {name for path in sources for name in named.findall(path.read_text())}
    threads = [*LEAVERS.values(), *RETURNER.values(), *USERSPACE.values(), WHOLE.armed_by_command()]
    threads += [Latch(manual=True).down_and_up(), Latch(manual=True).returner()]
    in_model = {name for thread in threads for step in thread for name in named.findall(step.name)}
    assert in_c == in_model
