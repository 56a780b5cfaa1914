# SPDX-License-Identifier: GPL-2.0-only
"""A VF that has just appeared is udev's first, where being brought up would cost it its name.

hv_netvsc waits 100 ms for the same reason, however long udev takes (VF_TAKEOVER_INT); we ask udev. From Linux
6.2 on nobody has to wait.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from netvsc_bpf.kernel.net import udev
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.state.durations import Arrivals
from netvsc_bpf.planner.actions import Action, Join

_PATIENCE_NS = 10_000_000_000
"""udev may be stopped, or have been told to look away: the VF is worth more than its name.

It may also be at work on a whole machine that boots.
"""
_LOOK_S = 0.02


def _udev_is_busy_with(ifindex: int) -> bool:
    return not udev.renames_live() and udev.serves_here() and udev.is_busy_with(ifindex)


@dataclass(slots=True)
class UdevWait:
    """Holds joins back while udev is at work on the VF."""

    arrivals: Arrivals
    busy: Callable[[int], bool] = _udev_is_busy_with
    clock_ns: Callable[[], int] = CLOCKS.boottime
    """That of the arrivals."""
    _waiting: set[int] = field(default_factory=set)
    """Synthetic NICs (ifindex) whose VF is waited for."""

    def without_unready(self, ifindex: int, steps: list[Action]) -> list[Action]:
        """Return the steps for the pair of this synthetic NIC that need not wait."""
        ready = [step for step in steps if not (isinstance(step, Join) and self._too_soon(step.vf.ifindex))]
        if len(ready) < len(steps):
            self._waiting.add(ifindex)
        else:
            self._waiting.discard(ifindex)
        return ready

    def wait_s(self, synthetics: Iterable[int]) -> float | None:
        """Return in how many seconds to look again at these (ifindexes), None if nobody is waited for."""
        self._waiting &= set(synthetics)
        return _LOOK_S if self._waiting else None

    def _too_soon(self, vf: int) -> bool:
        first = self.arrivals.first_seen(vf)
        return first is not None and self.clock_ns() - first < _PATIENCE_NS and self.busy(vf)
