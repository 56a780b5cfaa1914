# SPDX-License-Identifier: GPL-2.0-only
"""Replacing programs of another version that the manager finds when it starts.

Only once: if another version of `attach` is run later, that is intended, and two versions must not replace
each other's programs in turns. A sentinel that was removed is restored at any time.
"""

from dataclasses import dataclass

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.upgrade import Upgraded, is_of_another_build, upgrade
from netvsc_bpf.kernel.bpf import pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject

_RETRY_S = (1.0, 10.0, 60.0, 600.0)
"""How long to wait after the first, second, ... failure in a row: each try starts the compiler."""


@dataclass(slots=True)
class Upgrader:
    """Times are seconds of one monotonic clock."""

    _over: bool = False
    _failures: int = 0
    _retry_at: float = 0.0

    def due(self, session: Session, loaded: LoadedObject | None, now: float) -> bool:
        """Return whether there are programs to replace, or a replacement by a killed process to finish."""
        if pins.upgrades(session.pins):
            return True  # the next holder of the writer lock finishes it
        if loaded is None or now < self._retry_at:
            return False
        self._over = self._over or not is_of_another_build(loaded)
        return not self._over or bool(loaded.lost_sentinel)

    def __call__(self, session: Session, loaded: LoadedObject, now: float) -> Upgraded | None:
        """Replace them; None if there is nothing to replace, or not now.

        Raises NetvscBpfError if it failed: the old programs keep working, and it is tried again later.
        """
        if now < self._retry_at or (self._over and not loaded.lost_sentinel):
            return None
        try:
            done = upgrade(session, loaded)
        except Exception:
            self._retry_at = now + _RETRY_S[min(self._failures, len(_RETRY_S) - 1)]
            self._failures += 1
            raise
        self._over, self._failures = True, 0
        if done is not None:
            # Limits how often the sentinel is compiled if it is removed again and again.
            self._retry_at = now + _RETRY_S[0]
        return done

    def wait_s(self, now: float) -> float | None:
        """Return in how many seconds to try again, None if there is no need."""
        return None if self._retry_at <= now else self._retry_at - now
