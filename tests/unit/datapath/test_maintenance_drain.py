# SPDX-License-Identifier: GPL-2.0-only
"""Whose drains maintenance begins, moves and ends: its own."""

import ctypes

import pytest

from netvsc_bpf.datapath.maintenance_drain import Step, StoredDrain
from netvsc_bpf.kernel.bpf import abi, drain_notes
from netvsc_bpf.model.drain import Drain, DrainedBy

NOW, LATER, LATEST = 1_000, 2_000, 3_000
OURS, OPERATORS = DrainedBy.MAINTENANCE, DrainedBy.OPERATOR


@pytest.mark.parametrize(
    ("until", "by", "before", "step"),
    [
        (0, None, False, Step.BEGIN),
        (0, None, True, None),  # an operator ended it
        (0, OURS, False, Step.BEGIN),  # the note of an earlier one
        (NOW, OURS, False, Step.BEGIN),  # over
        (NOW, OURS, True, None),
        (LATER, OURS, True, Step.EXTEND),
        (LATER, OURS, False, Step.EXTEND),  # begun by an earlier manager
        (LATEST, OURS, True, None),
        (LATER, OPERATORS, False, None),
        (abi.DRAINED_INDEFINITELY, OPERATORS, False, None),
        (abi.DRAINED_INDEFINITELY, None, False, None),  # its note was removed externally
        (NOW, OPERATORS, False, Step.BEGIN),  # an operator's, over
    ],
)
def test_s99_while_it_is_due(until: int, by: DrainedBy | None, before: bool, step: Step | None) -> None:
    assert StoredDrain(7, until, by).towards(LATEST, NOW, drained_before=before) is step


@pytest.mark.parametrize(
    ("until", "by", "step"),
    [
        (LATER, OURS, Step.END),
        (NOW, OURS, Step.END),
        (0, OURS, Step.FORGET),
        (0, None, None),
        (abi.DRAINED_INDEFINITELY, OPERATORS, None),
        (LATER, OPERATORS, None),
        (LATER, None, None),
    ],
)
def test_s99_once_it_is_over(until: int, by: DrainedBy | None, step: Step | None) -> None:
    assert StoredDrain(7, until, by).away() is step


def test_s99_note_has_the_size_of_earlier_versions() -> None:
    """They refuse to read any other, and wrote 0 where the owner is now."""
    assert ctypes.sizeof(drain_notes._Note) == 216
    assert drain_notes._OWNERS[0] is OPERATORS


def test_s99_other_end_of_the_same_drain_for_maintenance_is_no_news() -> None:
    drain = Drain(1, LATER, "a", OURS)
    assert Drain(1, LATEST, "a", OURS).renews(drain)
    for other in (Drain(2, LATER, "a", OURS), Drain(1, LATER, "b", OURS), Drain(1, LATER, "a")):
        assert not Drain(1, LATEST, "a", OURS).renews(other)
    assert not Drain(1, LATEST, "a").renews(Drain(1, LATER, "a")), "an operator's is"
