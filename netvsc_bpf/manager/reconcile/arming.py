# SPDX-License-Identifier: GPL-2.0-only
"""Arming pairs without traffic.

The kernel decides the path at each packet; without traffic the manager has to trigger the check. At liveness
level `netlink` the kernel cannot see whether the VF works, and the manager decides; without its sentinel it
does not see the VF fail, and the manager reports it.
"""

from dataclasses import dataclass, field

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult, PairState
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.process import namespaces, pin_root
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness, Reason

_TICK_S = 0.001
"""Margin after the settle time, for differences between clocks."""
_AGAIN_S = 0.004
"""First delay until a VF that the kernel found unusable is checked again."""
_LONGEST_S = 1.0


@dataclass(slots=True)
class Arming:
    """Checks pairs that wait for their settle time."""

    _since: dict[int, int] = field(default_factory=dict)
    """At liveness level `netlink`: slot -> CLOCK_MONOTONIC ns of the first check that found the VF usable."""
    _misses: dict[int, int] = field(default_factory=dict)
    """Slot -> consecutive checks at which the kernel found a VF unusable that seems usable."""
    _awaited: dict[int, int] = field(default_factory=dict)
    """Slot -> CLOCK_MONOTONIC ns of the end of its settle time, if the kernel has to be triggered then."""

    def ask_again(self) -> None:
        """Have the kernel check the pairs whose settle time is over, before anything else is observed.

        The kernel decides whether the VF is usable. Raises KernelError, ForeignLayout.
        """
        now = CLOCKS.monotonic()
        due = [slot for slot, at in self._awaited.items() if at <= now]
        if not due:
            return
        ours = NetnsPins(namespaces.current_inode())
        with changing("cannot check a pair"), pin_root.held(ours.root), opened(ours) as loaded:
            for slot in due:
                del self._awaited[slot]
                if loaded is not None:
                    loaded.control(ControlCommand.CHECK, slot)

    def look(self, session: Session, loaded: LoadedObject, synthetic: Nic) -> float | None:
        """Check one pair; return in how many seconds to check again, None if there is no need."""
        slot = find_pair_slot(loaded, synthetic.ifindex)
        vf = None if slot is None else session.nic(loaded.vf_ifindex(slot))
        if slot is None or vf is None:
            return None
        state = loaded.pair(slot)
        reason = _why_unusable(synthetic, vf)
        if reason is not None and state.armed and loaded.blind:
            loaded.control(ControlCommand.DISARM, slot, abi.REASONS.index(reason))
        if loaded.liveness is Liveness.NETLINK:
            return self._decide(loaded, slot, state, usable=reason is None)
        if state.armed or not state.permitted or reason is not None:
            self._misses.pop(slot, None)
            return None
        return self._ask(loaded, slot)

    def _ask(self, loaded: LoadedObject, slot: int) -> float | None:
        self._awaited.pop(slot, None)
        if loaded.control(ControlCommand.CHECK, slot) is ControlResult.VF:
            self._misses.pop(slot, None)
            return None
        state = loaded.pair(slot)
        if state.usable_since:
            self._misses.pop(slot, None)
            self._awaited[slot] = state.usable_since + state.settle_ns
            return _TICK_S + _seconds_until(self._awaited[slot])
        # Up and with carrier, but not for the kernel: still coming up, or detached for long.
        misses = self._misses[slot] = min(self._misses.get(slot, 0) + 1, 10)
        return min(_LONGEST_S, _AGAIN_S * 2.0**misses)

    def _decide(self, loaded: LoadedObject, slot: int, state: PairState, *, usable: bool) -> float | None:
        if not usable or state.armed or not state.permitted:
            self._since.pop(slot, None)
            return None
        settled_at = self._since.setdefault(slot, CLOCKS.monotonic()) + state.settle_ns
        wait_s = _seconds_until(settled_at)
        if wait_s > 0 or loaded.control(ControlCommand.ARM, slot) is not ControlResult.VF:
            return max(_TICK_S, wait_s)
        self._since.pop(slot, None)
        return None


def _seconds_until(moment_ns: int) -> float:
    return max(0, moment_ns - CLOCKS.monotonic()) / 1e9


def _why_unusable(synthetic: Nic, vf: Nic) -> Reason | None:
    if not synthetic.up:
        return Reason.SYNTHETIC_DOWN
    if not vf.up:
        return Reason.VF_DOWN
    return None if vf.carrier else Reason.NO_CARRIER
