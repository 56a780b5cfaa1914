# SPDX-License-Identifier: GPL-2.0-only
"""Numbers that fit their column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.view.amounts import ago, count, scaled


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (999.6, "1.00k"),
        (1234, "1.23k"),
        (12_345, "12.3k"),
        (99_960, "100k"),
        (999_400, "999k"),
        (999_600, "1.00M"),
        (10e9, "10.0G"),
    ],
)
def test_three_digits_and_a_prefix(amount: float, shown: str) -> None:
    assert scaled(amount) == shown


def test_unit_follows_a_space() -> None:
    assert (scaled(5, "B"), scaled(38_800, "B")) == ("5 B", "38.8 kB")


@given(st.floats(min_value=0, max_value=1e20))
def test_no_rate_is_wider_than_its_column(amount: float) -> None:
    assert len(scaled(amount)) <= 5


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (7500, "2 h 5 min"), (90_000, "1 d 1 h")],
)
def test_how_long_in_two_units_at_most(seconds: float, shown: str) -> None:
    assert ago(seconds) == shown


def test_one_of_a_thing_is_singular() -> None:
    assert (count(1, "packet", "packets"), count(1200, "packet", "packets")) == ("1 packet", "1,200 packets")
