# SPDX-License-Identifier: GPL-2.0-only
"""Finds the slot of a NIC in the maps (ebpf/abi.h, NIC_SLOTS)."""

from collections.abc import Callable

from netvsc_bpf.kernel.bpf.abi import NIC_SLOTS, SLOT_PROBES, slot_candidates
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.model.errors import Refused


def find_pair_slot(loaded: LoadedObject, ifindex: int) -> int | None:
    """Return the slot of an attached synthetic NIC."""
    return _find(ifindex, lambda slot: loaded.pair(slot).synthetic_ifindex)


def free_pair_slot(loaded: LoadedObject, ifindex: int) -> int:
    """Return a free slot for a synthetic NIC. Raises Refused if all slots to probe are taken."""
    return _free(ifindex, lambda slot: loaded.pair(slot).synthetic_ifindex)


def is_permitted(loaded: LoadedObject, ifindex: int) -> bool:
    """Return whether the VF of a synthetic NIC is permitted."""
    slot = find_pair_slot(loaded, ifindex)
    return slot is not None and bool(loaded.pair(slot).permitted)


def find_home_slot(loaded: LoadedObject, ifindex: int) -> int | None:
    """Return the slot of a VF."""
    return _find(ifindex, lambda slot: loaded.home(slot).vf_ifindex)


def free_home_slot(loaded: LoadedObject, ifindex: int) -> int:
    """Return a VF's own slot, or a free one. Raises Refused if all slots to probe are taken."""
    own = find_home_slot(loaded, ifindex)
    return _free(ifindex, lambda slot: loaded.home(slot).vf_ifindex) if own is None else own


def _find(ifindex: int, holder: Callable[[int], int]) -> int | None:
    return next((slot for slot in slot_candidates(ifindex) if holder(slot) == ifindex), None)


def _free(ifindex: int, holder: Callable[[int], int]) -> int:
    slot = next((slot for slot in slot_candidates(ifindex) if not holder(slot)), None)
    if slot is None:
        raise Refused(
            f"no free slot for ifindex {ifindex}",
            f"{SLOT_PROBES} other NICs have the same ifindex modulo {NIC_SLOTS}",
            "detach one of them",
        )
    return slot
