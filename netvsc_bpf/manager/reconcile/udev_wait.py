# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for udev to rename a new VF: before Linux 6.2 an interface that is up cannot be renamed.

hv_netvsc waits a fixed 100 ms for the same reason (VF_TAKEOVER_INT); netvsc-bpf asks udev.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from netvsc_bpf.kernel.net import udev
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.state.durations import Arrivals
from netvsc_bpf.planner.actions import Action, Join

_PATIENCE_NS = 10_000_000_000
"""The longest wait: udev may be stopped or configured to ignore the VF, or be busy while the machine boots.

After that the VF is used, and may keep a wrong name.
"""
_LOOK_S = 0.02


def _udev_is_busy_with(ifindex: int) -> bool:
    return not udev.renames_live() and udev.serves_here() and udev.is_busy_with(ifindex)


@dataclass(slots=True)
class UdevWait:
    """Defers joins while udev processes the VF."""

    arrivals: Arrivals
    busy: Callable[[int], bool] = _udev_is_busy_with
    clock_ns: Callable[[], int] = CLOCKS.boottime
    """The clock of the arrivals."""
    _waiting: set[int] = field(default_factory=set)
    """Synthetic NICs (ifindex) that wait for their VF."""

    def without_unready(self, ifindex: int, steps: list[Action]) -> list[Action]:
        """Return the steps for the pair of this synthetic NIC that need not wait."""
        ready = [step for step in steps if not (isinstance(step, Join) and self._too_soon(step.vf.ifindex))]
        if len(ready) < len(steps):
            self._waiting.add(ifindex)
        else:
            self._waiting.discard(ifindex)
        return ready

    def wait_s(self, synthetics: Iterable[int]) -> float | None:
        """Return in how many seconds to check these (ifindexes) again, None if none of them waits."""
        self._waiting &= set(synthetics)
        return _LOOK_S if self._waiting else None

    def _too_soon(self, vf: int) -> bool:
        first = self.arrivals.first_seen(vf)
        return first is not None and self.clock_ns() - first < _PATIENCE_NS and self.busy(vf)
