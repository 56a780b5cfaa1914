# SPDX-License-Identifier: GPL-2.0-only
"""The attached pairs of this thread's network namespace, read cheaply: for checks at each wake-up."""

from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import pin_files, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.upper_devices import Link, some_links
from netvsc_bpf.model.errors import ForeignLayout


@dataclass(frozen=True, slots=True)
class AttachedPair:
    """One pair as in the maps and one dump of links."""

    synthetic: Link
    vf: Link | None
    """The joined VF, while it exists."""
    armed: bool
    changed_at: int
    """CLOCK_BOOTTIME ns of the last change of path, 0: never."""
    by_driver: bool = False
    """The VF's ingress is left to the driver that has enslaved it."""
    vf_offloads: int = 0
    """found.vf_offloads: which receive offloads of the VF were changed (datapath/follow_offloads.py)."""


Served = Callable[[], Container[int] | None]
"""Which synthetic NICs (ifindexes) are managed now; None: all that are attached.

Not by name: they may have been configured by an alternative name, or renamed since.
"""


def everyone() -> None:
    """Return None: all that are attached are managed."""


def attached_pairs(where: NetnsPins, links: Mapping[int, Link], managed: Served) -> list[AttachedPair]:
    """Return the attached pairs that are managed. Raises ForeignLayout."""
    ours = managed()
    found = []
    with opened(where) as loaded:
        for ifindex in pins.attached_ifindexes(where) if loaded is not None else ():
            link = links.get(ifindex)
            slot = None if loaded is None else find_pair_slot(loaded, ifindex)
            if loaded is None or slot is None or link is None or not (ours is None or ifindex in ours):
                continue
            state, vf = loaded.pair(slot), links.get(loaded.vf_ifindex(slot) or 0)
            before = loaded.found(slot)
            joined = vf is not None and before.vf_ifindex == vf.ifindex
            by_driver = bool(state.home_ifindex) and not state.redirect_to
            vf = vf if joined else None
            armed, offloads = bool(state.armed), before.vf_offloads
            found.append(AttachedPair(link, vf, armed, state.changed_at, by_driver, offloads))
    return found


def some_links_for(where: NetnsPins, rtnl: Rtnetlink) -> Mapping[int, Link]:
    """Return the interfaces for attached_pairs(), which needs two for each pair. Raises OSError."""
    return some_links(rtnl, 2 * len(pins.attached_ifindexes(where)))


def open_loaded(where: NetnsPins) -> LoadedObject | None:
    """Open the loaded object, stale or not; None if there is none, or if it is being detached.

    A detach that was killed at its very end may leave parts of it: the next writer removes them.
    """
    try:
        return LoadedObject(where) if pin_files.exists(where.object) else None
    except ForeignLayout:
        if pin_files.exists(where.object) and pins.in_use(where):
            raise
        return None


@contextmanager
def opened(where: NetnsPins) -> Iterator[LoadedObject | None]:
    """Open the loaded object; None if there is none, if it is being detached, or if another namespace's."""
    loaded = open_loaded(where)
    if loaded is None:
        yield None
        return
    with loaded:
        yield None if loaded.stale else loaded
