# SPDX-License-Identifier: GPL-2.0-only
"""The path changes that the kernel has recorded, for when no manager runs.

Two sources, which are read without consuming them: the ring buffer of ebpf/latch.h with the last 2047 changes
of a network namespace, and the last change of each pair in its map. If no manager empties the ring it fills
up, and later changes are in the maps only.
"""

import ctypes
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel.bpf.abi import PathEvent
from netvsc_bpf.kernel.bpf.bpffs import require_bpffs
from netvsc_bpf.kernel.bpf.links import map_id
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.bpf.ring_buffer import RingView
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.capabilities import CAP_BPF, require
from netvsc_bpf.kernel.process.kernel_version import require_kernel
from netvsc_bpf.manager.events.kinds import Event
from netvsc_bpf.manager.events.last_changes import last_changes
from netvsc_bpf.manager.events.path_changes import interface_name, switch_event
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.manager.state.durations import Timing


class KernelHistory:
    """The recorded changes of this thread's network namespace; each one is returned once."""

    def __init__(self) -> None:
        """Raises MissingCapability, BpffsUnavailable."""
        require_kernel("cannot read the kernel's events")
        require("cannot read the kernel's events", CAP_BPF)
        require_bpffs()
        self._pins = NetnsPins(namespaces.current_inode())
        self._view: RingView | None = None
        self._after = 0
        self._timing = Timing()
        self._from_maps: set[tuple[int, int]] = set()
        """Changes that were read from the maps first: synthetic NIC, CLOCK_BOOTTIME ns."""
        self._names: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the ring buffer."""
        if self._view is not None:
            self._view.close()
            self._view = None

    @property
    def full(self) -> bool:
        """Return whether the ring buffer is full, because no manager has consumed it."""
        return self._view is not None and self._view.ring.full

    def new(self) -> list[Event]:
        """Return the changes since the last call, in the kernel's order. Raises ForeignLayout, OSError."""
        anew = self._follow()
        if self._view is None:
            return []
        records, self._after = self._view.ring.walk(self._after)
        changes = [PathEvent.from_buffer_copy(record) for record in records]
        found = [self._event(change) for change in changes if _key(change) not in self._from_maps]
        # After the first read the maps have more than the ring only if the ring is full.
        return found + self._last_changes() if anew or self.full else found

    def _follow(self) -> bool:
        """Map the ring that is pinned now: detach and attach create another. Return whether it is another."""
        path = self._pins.map("path_events")
        current = map_id(path)
        if self._view is not None and self._view.map_id == current:
            return False
        self.close()
        with opened(self._pins) as loaded:
            if current is None or loaded is None:
                return False
            try:
                self._view = RingView(path, ctypes.sizeof(PathEvent))
            except FileNotFoundError:  # just being detached
                return False
        self._after = 0
        return True

    def _last_changes(self) -> list[Event]:
        """Return the last change of each pair that is later than those in the ring."""
        found = []
        for last in last_changes(self._pins):
            if self._timing.is_later(last.synthetic_ifindex, last.at):
                self._from_maps.add(_key(last))
                # The change before it may not have been recorded.
                self._timing.forget(last.synthetic_ifindex)
                found.append(self._event(last))
        return found

    def _event(self, change: PathEvent) -> Event:
        pair, vf = change.synthetic_ifindex, change.vf_ifindex
        lasted_s = self._timing.lasted_s(pair, change.at)
        name = self._name(pair) or f"interface {pair}"
        return switch_event(change, name, self._name(vf), lasted_s=lasted_s)

    def _name(self, ifindex: int) -> str | None:
        """Return its current name, or its last known one."""
        name = interface_name(ifindex) if ifindex else None
        if name is not None:
            self._names[ifindex] = name
        return self._names.get(ifindex)


def _key(change: PathEvent) -> tuple[int, int]:
    return change.synthetic_ifindex, change.at
