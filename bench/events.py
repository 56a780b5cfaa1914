# SPDX-License-Identifier: GPL-2.0-only
"""The ways in which a VF goes and comes back, and a pair whose path can be watched meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.command import netvsc_bpf
from bench.wire import deliver_what_was_taken
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.namespace import namespace_path
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.wiring import with_rtnl
from netvsc_bpf.model.errors import NetvscBpfError

_PATIENCE_S = 10.0


class WatchedPair:
    """An attached pair, whose state is read from its pinned map: that takes no process of the product."""

    def __init__(self, lab: Lab, settle_ms: int) -> None:
        self.lab = lab
        self._settle_ms = settle_ms
        self.attach()
        self._loaded = lab.in_guest(lambda: LoadedObject(NetnsPins(namespaces.current_inode())))
        slot = find_pair_slot(self._loaded, lab.ifindex(lab.guest, "eth0"))
        assert slot is not None
        self._slot = slot

    def attach(self) -> None:
        """Attach, or attach again: the only moments in which the product has a process."""
        netvsc_bpf(self.lab, "attach", "eth0", "--vf", "vf0", "--settle", str(self._settle_ms))

    def close(self) -> None:
        """Detach."""
        self._loaded.close()
        netvsc_bpf(self.lab, "detach", "eth0")

    def wait_for_path(self, *, vf: bool) -> None:
        """Return once the kernel has chosen this path. Raises NetvscBpfError where it never does."""
        deadline = time.monotonic() + _PATIENCE_S
        while bool(self._loaded.pair(self._slot).armed) != vf:
            if time.monotonic() > deadline:
                raise NetvscBpfError("wait for the path", f"it is not {'vf' if vf else 'synthetic'}")
            time.sleep(0.002)

    def processes(self) -> list[str]:
        """Return the command lines of all processes in the guest's network namespace."""
        guest = namespace_path(self.lab.guest).stat().st_ino
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "ns/net").stat().st_ino == guest:
                    found.append((process / "cmdline").read_text().replace("\0", " ").strip())
            except OSError:
                continue
        return found


@dataclass(frozen=True, slots=True)
class Event:
    """One way for a VF to go, and to come back."""

    name: str
    leave: Callable[[WatchedPair], None]
    come_back: Callable[[WatchedPair], None]
    most: int = 0
    """Packets that one leaving may cost."""
    drops_first: bool = False
    """The device drops what it takes before it says that it goes: by its own count, which is shown apart."""
    leaves: bool = True
    """The path changes at all."""


def move_vf(lab: Lab, source: str, target: str) -> None:
    """Move the VF of the first pair to another namespace of the lab."""

    def move(rtnl: Any) -> None:
        with namespace_path(target).open() as there:
            rtnl.link("set", index=wiring.index_of(rtnl, "vf0"), net_ns_fd=there.fileno())

    with_rtnl(source, move)


def _move_back(pair: WatchedPair) -> None:
    move_vf(pair.lab, pair.lab.peer, pair.lab.guest)
    pair.attach()


def _replug(pair: WatchedPair) -> None:
    pair.lab.plug_vf()
    deliver_what_was_taken(pair.lab)
    pair.attach()


DOWN = Event("VF down", lambda pair: pair.lab.vf_down(), lambda pair: pair.lab.vf_up())
CARRIER_LOSS = Event(
    "carrier loss", lambda pair: pair.lab.vf_carrier(False), lambda pair: pair.lab.vf_carrier(True), most=2
)
# The veth leaves the guest as a NIC does whose driver is unbound: it is closed, then unregistered.
REMOVAL = Event("VF removed", lambda pair: move_vf(pair.lab, pair.lab.guest, pair.lab.peer), _move_back)
# veth_dellink() cuts the two ends apart, and only then is the device closed.
DELETION = Event("veth deleted", lambda pair: pair.lab.unplug_vf(), _replug, drops_first=True)
EVENTS = (DOWN, CARRIER_LOSS, REMOVAL, DELETION)


def no_event(length_s: float) -> Event:
    """Return a control that lasts as long as an event."""
    return Event("no event", lambda pair: None, lambda pair: time.sleep(length_s), leaves=False)
