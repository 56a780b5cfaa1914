# SPDX-License-Identifier: GPL-2.0-only
"""Where pins stand: below our own folder, each namespace by itself, no name that bpffs reserves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.kernel.bpf.pin_layout import BPFFS, NetnsPins

PINS = NetnsPins(4026531840)
EVERY_PATH = (
    PINS.home,
    PINS.object,
    PINS.loading(1),
    PINS.upgrading(0x1A),
    PINS.map("pairs"),
    PINS.program("steer"),
    PINS.sentinel,
    PINS.pair(2),
    PINS.link(2, "home"),
    PINS.copy(2, "home"),
    PINS.template("home"),
)


def test_layout_is_the_one_that_is_documented() -> None:
    home = Path("/sys/fs/bpf/netvsc-bpf/4026531840")
    assert PINS.root == BPFFS / "netvsc-bpf"
    assert PINS.map("pairs") == home / "object/maps/pairs"
    assert PINS.program("steer") == home / "object/programs/steer"
    assert PINS.sentinel == home / "object/sentinel"
    assert PINS.link(2, "home") == home / "pair_2/home"
    assert PINS.copy(2, "home") == home / "pair_2/programs/home"
    assert PINS.template("home") == home / "object/templates/home"


@pytest.mark.parametrize("path", EVERY_PATH, ids=str)
def test_path_is_below_our_root_and_has_no_dot(path: Path) -> None:
    assert PINS.root in path.parents
    # kernel/bpf/inode.c, bpf_lookup(): names with a dot are the kernel's.
    assert "." not in str(path)


def test_namespaces_share_nothing_but_the_root() -> None:
    other = NetnsPins(4026531841)
    assert other.root == PINS.root
    assert other.home not in (PINS.home, *PINS.home.parents)


@given(st.integers(min_value=1, max_value=2**31 - 1))
def test_folder_of_a_pair_leads_back_to_its_ifindex(ifindex: int) -> None:
    assert PINS.pair_ifindex(PINS.pair(ifindex).name) == ifindex


@pytest.mark.parametrize(
    "folder", ["object", "loading_7", "pair_", "pair_x", "pair_-1", "pair_1x", "2", "PAIR_2", "pair2"]
)
def test_other_folder_is_no_pair(folder: str) -> None:
    assert PINS.pair_ifindex(folder) is None


def test_only_a_loaders_folder_is_one() -> None:
    assert PINS.is_loading(PINS.loading(77).name)
    assert not any(PINS.is_loading(path.name) for path in (PINS.object, PINS.pair(77)))


@given(st.integers(1, 2**32 - 1))
def test_folder_of_an_upgrade_contains_its_build(build: int) -> None:
    folder = PINS.upgrading(build).name
    assert PINS.upgrading_build(folder) == build
    assert PINS.pair_ifindex(folder) is None
    assert not PINS.is_loading(folder)


@pytest.mark.parametrize("name", ["object", "pair_2", "loading_7", "lent_addresses"])
def test_other_folders_are_no_upgrade(name: str) -> None:
    assert PINS.upgrading_build(name) is None


@pytest.mark.parametrize(
    "name", ["upgrading_zz", "upgrading_", "upgrading_1", "upgrading_0000001A", "upgrading_ 000001a"]
)
def test_s73_foreign_entries_are_not_an_upgrade(name: str) -> None:
    assert PINS.upgrading_build(name) is None


@pytest.mark.parametrize("number", ["٣", "007", "", "-1", "²"])
def test_s73_only_canonical_numbers_are_accepted(number: str) -> None:
    assert PINS.pair_ifindex(f"pair_{number}") is None
    assert PINS.inode_of(number) is PINS.inode_of(f"manager_{number}") is None
