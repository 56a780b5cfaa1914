# SPDX-License-Identifier: GPL-2.0-only
"""The loaded object, kept open between checks, so that a check each second only reads memory."""

from netvsc_bpf.kernel.bpf import pin_files
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.manager.state.attached_pairs import open_loaded

_Identity = tuple[int, int]
"""Inode numbers of the pins that are replaced together with maps or programs: bpffs never reuses one."""


class OpenObject:
    """Opens the loaded object of one network namespace, and opens it again when it was replaced.

    While it is open the maps outlive a detach: until the next check, or close().
    """

    def __init__(self, pins: NetnsPins) -> None:
        self._pins = pins
        self._replaced = pins.map("pairs"), pins.program("control")
        self._kept: LoadedObject | None = None
        self._identity: _Identity | None = None

    def current(self) -> LoadedObject | None:
        """Return it; it stays owned by this class. None if nothing is loaded, or another namespace's object.

        Call it in that namespace. Raises ForeignLayout.
        """
        identity = self._look()
        if identity is None or identity != self._identity:
            self.close()
        if identity is not None and self._kept is None:
            self._kept, self._identity = open_loaded(self._pins), identity
        return None if self._kept is None or self._kept.stale else self._kept

    def close(self) -> None:
        """Close the object."""
        if self._kept is not None:
            self._kept.close()
        self._kept, self._identity = None, None

    def _look(self) -> _Identity | None:
        try:
            pairs, control = map(pin_files.inode, self._replaced)
            return pairs, control
        except FileNotFoundError:
            return None
