# SPDX-License-Identifier: GPL-2.0-only
"""Places in the maps: where userspace puts a NIC, the programs look for it (ebpf/maps.h, pair_of)."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.datapath.slots import find_home_slot, find_pair_slot, free_home_slot, free_pair_slot
from netvsc_bpf.kernel.bpf.abi import NIC_SLOTS, SLOT_PROBES, Home, PairState
from netvsc_bpf.model.errors import Refused

IFINDEXES = st.integers(min_value=1, max_value=2**31 - 1)


@dataclass
class FakeObject:
    """Two of the maps of kernel.objects.LoadedObject."""

    pairs: dict[int, int] = field(default_factory=dict)
    homes: dict[int, int] = field(default_factory=dict)

    def pair(self, slot: int) -> PairState:
        return PairState(synthetic_ifindex=self.pairs.get(slot, 0))

    def home(self, slot: int) -> Home:
        return Home(vf_ifindex=self.homes.get(slot, 0))


def attach(loaded: Any, ifindex: int) -> int:
    slot = free_pair_slot(loaded, ifindex)
    loaded.pairs[slot] = ifindex
    return slot


@given(st.sets(IFINDEXES, max_size=SLOT_PROBES))
def test_any_few_nics_find_room_and_are_found(ifindexes: set[int]) -> None:
    loaded: Any = FakeObject()
    placed = {ifindex: attach(loaded, ifindex) for ifindex in ifindexes}
    assert len(set(placed.values())) == len(ifindexes)
    for ifindex, slot in placed.items():
        assert find_pair_slot(loaded, ifindex) == slot
        assert (slot - ifindex) % NIC_SLOTS < SLOT_PROBES


def test_nics_with_the_same_remainder_stand_side_by_side_at_the_end_too() -> None:
    loaded: Any = FakeObject()
    last = NIC_SLOTS - 1
    assert [attach(loaded, last + NIC_SLOTS * turn) for turn in range(SLOT_PROBES)] == [last, 0, 1, 2]


def test_one_too_many_is_refused() -> None:
    loaded: Any = FakeObject()
    for turn in range(SLOT_PROBES):
        attach(loaded, 2 + NIC_SLOTS * turn)
    with pytest.raises(Refused, match="no free slot for ifindex 2050"):
        free_pair_slot(loaded, 2 + NIC_SLOTS * SLOT_PROBES)


def test_freed_slot_is_used_again_and_hides_no_other() -> None:
    loaded: Any = FakeObject()
    first, second = attach(loaded, 2), attach(loaded, 2 + NIC_SLOTS)
    del loaded.pairs[first]
    assert find_pair_slot(loaded, 2) is None
    assert find_pair_slot(loaded, 2 + NIC_SLOTS) == second
    assert attach(loaded, 2 + 2 * NIC_SLOTS) == first


@given(IFINDEXES)
def test_vf_keeps_its_slot(ifindex: int) -> None:
    loaded: Any = FakeObject()
    slot = free_home_slot(loaded, ifindex)
    loaded.homes[slot] = ifindex
    assert find_home_slot(loaded, ifindex) == free_home_slot(loaded, ifindex) == slot
