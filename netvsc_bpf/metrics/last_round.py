# SPDX-License-Identifier: GPL-2.0-only
"""A cache from one scrape to the next, which drops entries that a whole scrape did not keep."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")
_State = TypeVar("_State")


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


class MadeOf(Generic[_Key, _State, _Value]):
    """Values that are made of a state, and made again only if it has changed since the last round."""

    def __init__(self) -> None:
        self._known = LastRound[_Key, tuple[_State, _Value]]()

    def begin(self) -> None:
        """Begin a round."""
        self._known.begin()

    def of(self, key: _Key, state: _State, make: Callable[[_State], _Value]) -> _Value:
        """Return what `make` makes of the state, or made of an equal one in the last round."""
        known = self._known.get(key)
        if known is None or known[0] != state:
            known = state, make(state)
        self._known.keep(key, known)
        return known[1]
