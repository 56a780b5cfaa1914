# SPDX-License-Identifier: GPL-2.0-only
"""Marks say what they were written with, and what is no mark is none."""

from dataclasses import replace
from pathlib import Path

import pytest

from netvsc_bpf.kernel.bpf import pin_files
from netvsc_bpf.kernel.bpf.moved_nic_marks import (
    MovedNic,
    MovedVf,
    decode,
    encode,
    free_name,
    moved_nic,
    moved_nics,
    moved_nics_of,
    note,
    remove_mark,
)
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle

HOME, HERE = NetnsHandle(4026531840, 1), NetnsHandle(4026532999, 17)
BARE = MovedNic(7, HERE, HOME, "eth0.5")
VF = MovedVf(9, "enP31819s1", "00:15:5d:01:02:03", up=True, addr_gen_mode=1, ipv6_disabled=False)


@pytest.mark.parametrize(
    "mark",
    [
        BARE,
        replace(BARE, vf=VF),
        replace(
            BARE, vf=MovedVf(0, "vf0", "00:15:5d:01:02:03", up=False, addr_gen_mode=0, ipv6_disabled=True)
        ),
        replace(
            BARE, vf=MovedVf(3, "vf0", "00:15:5d:01:02:03", up=True, addr_gen_mode=None, ipv6_disabled=None)
        ),
    ],
)
def test_mark_is_decoded_as_it_was_encoded(mark: MovedNic) -> None:
    assert decode(encode(mark), mark.ifindex, HERE.inode) == mark


def test_mark_leads_nowhere() -> None:
    """The symlink must be dangling: no name in bpffs is like its first part, which has no dot."""
    first = encode(BARE).split("/")[0]
    assert ":" in first and "." not in first


@pytest.mark.parametrize(
    "text", ["", "nonsense", "1:2", "1:2/x/eth0", "1/2/eth0", "1:2/3/eth0/9", "1:2/3/eth0/a:b/vf"]
)
def test_invalid_marks_are_ignored(text: str) -> None:
    assert decode(text, 7, HERE.inode) is None


def test_marks_are_written_over_found_by_home_and_struck(bpffs: Path) -> None:
    here = NetnsPins(HERE.inode, bpffs)
    assert moved_nics(here) == [] and moved_nic(here, 7) is None and moved_nics_of(HOME, bpffs) == []
    other = MovedNic(8, HERE, NetnsHandle(1, 1), "eth1")
    for mark in (BARE, other, replace(BARE, vf=VF)):
        note(mark, bpffs)
    assert moved_nics(here) == [replace(BARE, vf=VF), other]
    assert moved_nics_of(HOME, bpffs) == [replace(BARE, vf=VF)]
    assert moved_nics_of(NetnsHandle(HOME.inode, 2), bpffs) == [], "another namespace with that inode number"
    remove_mark(here, 7)
    remove_mark(here, 7)
    assert moved_nics(here) == [other] and pin_files.exists(here.moved_nics)
    remove_mark(here, 8)
    assert not pin_files.exists(here.moved_nics)


def test_name_is_kept_if_it_is_free() -> None:
    assert free_name(["vf0"], {"eth0"}) == "vf0"
    assert free_name(["vf0", "vf0_0"], {"vf0"}) == "vf0_0"
    assert free_name(["vf0"], {"vf0", "vf0_0"}) == "vf0_1"


def test_made_up_name_is_not_too_long_for_the_kernel() -> None:
    longest = "enP31819p0s2abc"
    assert len(longest) == 15
    taken = {longest, *(f"{longest[:11]}_{number}" for number in range(999))}
    made = free_name([longest], taken)
    assert made not in taken and len(made) <= 15
