# SPDX-License-Identifier: GPL-2.0-only
"""How a cost grows with the number of pairs. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

_RISES = 1.1
"""How many times as much the largest number must cost for its rise to be more than noise."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A straight line through what was measured, and how far from straight it ends."""

    fixed: float
    """What no pair at all would cost."""
    per_pair: float
    power: float
    """The exponent between the two largest numbers of pairs, `fixed` taken off: 1 is a straight line, 2 a
    square. Not a number where the cost hardly rises there."""


def growth(measured: Mapping[int, float]) -> Growth:
    """Fit costs by number of pairs, three numbers at least, each weighted by its own size.

    Unweighted, the largest number would decide alone, and the fixed part could be anything.
    """
    points = [(pairs, cost, 1 / max(cost, 1e-9) ** 2) for pairs, cost in sorted(measured.items())]
    total = sum(weight for _, _, weight in points)
    mean_x = sum(weight * x for x, _, weight in points) / total
    mean_y = sum(weight * y for _, y, weight in points) / total
    spread = sum(weight * (x - mean_x) ** 2 for x, _, weight in points)
    slope = sum(weight * (x - mean_x) * (y - mean_y) for x, y, weight in points) / spread
    fixed = mean_y - slope * mean_x
    (x1, y1, _), (x2, y2, _) = points[-2:]
    rises = y1 > fixed and y2 > _RISES * y1
    power = math.log((y2 - fixed) / (y1 - fixed)) / math.log(x2 / x1) if rises else math.nan
    return Growth(fixed, slope, power)
