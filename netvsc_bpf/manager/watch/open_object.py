# SPDX-License-Identifier: GPL-2.0-only
"""The loaded object, kept open between looks: for who looks each second and wants to read memory alone."""

from netvsc_bpf.kernel.bpf import pin_files
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.manager.state.attached_pairs import open_loaded

_Identity = tuple[int, int]
"""Inode numbers of the pins that are replaced when maps or programs are: bpffs never gives one again."""


class OpenObject:
    """Opens what is loaded in one network namespace, and opens it anew when something else is.

    While it is kept the maps outlive a detach: until the next look, or close().
    """

    def __init__(self, pins: NetnsPins) -> None:
        self._pins = pins
        self._kept: LoadedObject | None = None
        self._identity: _Identity | None = None

    def current(self) -> LoadedObject | None:
        """Return it, ours to close; None where nothing is loaded, or what is belongs to another namespace.

        Call it in that namespace. Raises ForeignLayout.
        """
        identity = self._look()
        if identity is None or identity != self._identity:
            self.close()
        if identity is not None and self._kept is None:
            self._kept, self._identity = open_loaded(self._pins), identity
        return None if self._kept is None or self._kept.stale else self._kept

    def close(self) -> None:
        """Close what is kept."""
        if self._kept is not None:
            self._kept.close()
        self._kept, self._identity = None, None

    def _look(self) -> _Identity | None:
        try:
            return pin_files.inode(self._pins.map("pairs")), pin_files.inode(self._pins.program("control"))
        except FileNotFoundError:
            return None
