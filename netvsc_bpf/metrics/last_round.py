# SPDX-License-Identifier: GPL-2.0-only
"""A cache from one scrape to the next, which drops entries that a whole scrape did not keep."""

from collections.abc import Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class LastRound(Generic[_Key, _Value]):
    """Values kept in one round can be read in the next one."""

    def __init__(self) -> None:
        self._before: dict[_Key, _Value] = {}
        self._kept: dict[_Key, _Value] = {}

    def begin(self) -> None:
        """Begin a round."""
        self._before, self._kept = self._kept, {}

    def get(self, key: _Key) -> _Value | None:
        """Return what the last round kept, None if it kept nothing."""
        return self._before.get(key)

    def keep(self, key: _Key, value: _Value) -> None:
        """Keep it for the next round."""
        self._kept[key] = value
