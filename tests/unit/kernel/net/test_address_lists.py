# SPDX-License-Identifier: GPL-2.0-only
"""Reading /proc/net/dev_mcast, and what follows from lists."""

from netvsc_bpf.datapath.sync_addresses import Lists
from netvsc_bpf.kernel.net.address_lists import Membership, is_multicast, parse_dev_mcast

TEXT = b"""\
2    x1              1     0     333300000001
3    x0              2     1     01005e000001
3    x0              1     0     0180c200000e
9    ib0             1     0     00ffffffff12401bffff000000000000000000ff
"""


def test_dev_mcast() -> None:
    assert parse_dev_mcast(TEXT) == {
        2: [Membership(bytes.fromhex("333300000001"), static=False)],
        3: [
            Membership(bytes.fromhex("01005e000001"), static=True),
            Membership(bytes.fromhex("0180c200000e"), static=False),
        ],
    }
    assert parse_dev_mcast(b"") == {}


def test_dev_mcast_of_some_nics_alone() -> None:
    assert parse_dev_mcast(TEXT, {2, 9}) == {2: [Membership(bytes.fromhex("333300000001"), static=False)]}
    assert parse_dev_mcast(TEXT, ()) == {}


def test_group_bit() -> None:
    assert is_multicast(bytes.fromhex("01005e000001"))
    assert not is_multicast(bytes.fromhex("020000000001"))


def test_missing_and_obsolete_addresses_are_computed() -> None:
    a, b, c, d = (bytes([2, 0, 0, 0, 0, number]) for number in range(4))
    lists = Lists(wanted=frozenset({a, b}), on_vf=frozenset({b, c, d}), synced=frozenset({c}))
    assert lists.missing == {a}
    assert lists.gone == {c}, "d is a foreign address"


def test_removed_id_is_synced_again() -> None:
    a = bytes(6)
    assert Lists(frozenset({a}), frozenset(), frozenset({a})).missing == {a}
