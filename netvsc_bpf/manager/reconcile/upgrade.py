# SPDX-License-Identifier: GPL-2.0-only
"""Putting the programs of this version in place of those that the manager finds when it begins.

Once: whoever runs another version of `attach` later means it, and two versions must not take turns. A
sentinel that somebody removed is put back whenever it is missed.
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
        """Tell whether there are programs to change, or somebody else was killed while he did."""
        if pins.upgrades(session.pins):
            return True  # whoever takes the writer's lock finishes it
        if loaded is None or now < self._retry_at:
            return False
        self._over = self._over or not is_of_another_build(loaded)
        return not self._over or bool(loaded.lost_sentinel)

    def __call__(self, session: Session, loaded: LoadedObject, now: float) -> Upgraded | None:
        """Change them; None where there is nothing to change, or not now.

        Raises NetvscBpfError where it failed: the old programs go on working, and it is tried again later.
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
            # Somebody who removes the sentinel again and again has it compiled no more often than that.
            self._retry_at = now + _RETRY_S[0]
        return done

    def wait_s(self, now: float) -> float | None:
        """Return in how many seconds to try again, None if there is no need."""
        return None if self._retry_at <= now else self._retry_at - now
