# SPDX-License-Identifier: GPL-2.0-only
"""How a cost grows is read from a few numbers of pairs."""

import math

import pytest

from bench.growth import growth

SIZES = (1, 4, 16, 64, 256)


def test_a_straight_line_is_found_with_its_fixed_part() -> None:
    found = growth({pairs: 500 + 23.5 * pairs for pairs in SIZES})
    assert (found.fixed, found.per_pair) == (pytest.approx(500), pytest.approx(23.5))
    assert found.power == pytest.approx(1)


def test_a_square_has_a_power_of_about_two() -> None:
    assert growth({pairs: 3 + 0.5 * pairs**2 for pairs in SIZES}).power > 1.8


def test_what_does_not_grow_has_no_power() -> None:
    found = growth({pairs: 34.0 + 0.01 * (pairs % 3) for pairs in SIZES})
    assert found.per_pair == pytest.approx(0, abs=1e-3)
    assert math.isnan(found.power)
