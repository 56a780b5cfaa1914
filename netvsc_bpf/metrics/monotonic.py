# SPDX-License-Identifier: GPL-2.0-only
"""Totals that continue when the device that counted them is removed.

The counters of a VF are gone when it is removed, and the next VF begins at zero. The totals of a pair carry
over the last values seen. Counters in BPF maps do not need this.
"""

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class _Total:
    device: Hashable
    last: int
    carried: int = 0


class Monotonic:
    """Adds up counters over successive devices; drops those that a round did not mention."""

    def __init__(self) -> None:
        self._totals: dict[Hashable, _Total] = {}
        self._seen: set[Hashable] = set()

    def begin_round(self) -> None:
        """Begin a round of values: entries that the last round did not mention are dropped."""
        self._totals = {key: total for key, total in self._totals.items() if key in self._seen}
        self._seen = set()

    def value(self, key: Hashable, device: Hashable, now: int) -> int:
        """Return the total of `key`, given the current value of `device`. It never decreases.

        What another device counted before is carried over, and so is the amount by which a value decreased.
        """
        self._seen.add(key)
        total = self._totals.setdefault(key, _Total(device, now))
        if total.device != device:
            total.carried += total.last
        elif now < total.last:
            total.carried += total.last - now
        total.device, total.last = device, now
        return total.carried + now
