# SPDX-License-Identifier: GPL-2.0-only
"""The last path change of each pair, from its map."""

from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import pins
from netvsc_bpf.kernel.bpf.abi import PathEvent
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.manager.state.attached_pairs import opened


def last_changes(where: NetnsPins) -> list[PathEvent]:
    """Return the last changes of attached pairs whose path has changed at least once. Raises ForeignLayout.

    The reason is that of the change, or of a permission that was withdrawn or refused since then.
    """
    found = []
    with opened(where) as loaded:
        for ifindex in pins.attached_ifindexes(where) if loaded is not None else ():
            slot = None if loaded is None else find_pair_slot(loaded, ifindex)
            if loaded is None or slot is None:
                continue
            state = loaded.pair(slot)
            if state.changed_at:
                # Each change toggles `armed`.
                to = int(bool(state.armed))
                found.append(PathEvent(state.changed_at, ifindex, state.vf_ifindex, to, state.reason))
    return found
