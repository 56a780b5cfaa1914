# SPDX-License-Identifier: GPL-2.0-only
"""Which events concern a pair, by their bytes: eth0 (2) and vf0 (3) are one, the others belong to none."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.kernel.net.link_event_filter import Concern, EventFilter, Identity, Interest

NEWLINK, DELLINK, NEWQDISC = 16, 17, 36
ADDRESS, NAME = 1, 3
MORE = {"mtu": 4, "link": 5, "master": 10, "properties": 52, "parent": 56}
OURS, THEIRS, OTHERS, NEW = (bytes([2, 0, 0, 0, 0, number]) for number in range(4))
INTEREST = Interest(
    frozenset({2, 3}),
    frozenset({b"eth0", b"awaited"}),
    frozenset({OURS}),
    {
        2: Identity(b"eth0", OURS, None),
        3: Identity(b"vf0", OURS, None),
        7: Identity(b"other7", THEIRS, None),
        8: Identity(b"other8", OTHERS, None),
    },
)


def event(
    ifindex: int, name: bytes, mac: bytes, kind: int = NEWLINK, family: int = 0, **more: bytes
) -> bytes:
    values = {NAME: name + b"\0", ADDRESS: mac, **{MORE[one]: value for one, value in more.items()}}
    body = struct.pack("=BxHiII", family, 1, ifindex, 0, 0)
    for number, value in values.items():
        body += struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def u32(number: int) -> bytes:
    return struct.pack("=I", number)


def altname(name: bytes) -> bytes:
    return struct.pack("=HH", 5 + len(name), 53) + name + bytes(1 + -(5 + len(name)) % 4)


@pytest.fixture
def judging() -> EventFilter:
    found = EventFilter()
    found.update(INTEREST)
    return found


@pytest.mark.parametrize(
    ("data", "concern"),
    [
        (event(2, b"eth0", OURS), Concern.NOW),
        (event(3, b"vf0", OURS, DELLINK), Concern.NOW),
        (event(7, b"other7", THEIRS), Concern.NEVER),
        (event(7, b"other7", THEIRS, mtu=u32(9000)), Concern.NEVER),
        (event(7, b"other7", THEIRS, DELLINK), Concern.NEVER),
        (event(99, b"gone", NEW, DELLINK), Concern.NEVER),
        (event(9, b"vf1", OURS), Concern.NOW),
        (event(7, b"other7", OURS), Concern.NOW),
        (event(7, b"other7", THEIRS, properties=altname(b"awaited")), Concern.NOW),
        (event(7, b"other7", THEIRS, properties=altname(b"another")), Concern.LATER),
        (event(7, b"other7", OTHERS), Concern.NOW),
        (event(9, b"new", THEIRS), Concern.NOW),
        (event(9, b"awaited", NEW), Concern.NOW),
        (event(7, b"awaited", THEIRS), Concern.NOW),
        (event(9, b"new", NEW, parent=b"0000:00:02.0\0"), Concern.NOW),
        (event(9, b"vlan", NEW, link=u32(2)), Concern.NOW),
        (event(9, b"vlan", NEW, link=u32(7)), Concern.LATER),
        (event(7, b"other7", THEIRS, master=u32(2)), Concern.NOW),
        (event(7, b"other7", THEIRS, master=u32(8)), Concern.LATER),
        (event(9, b"new", NEW), Concern.LATER),
        (event(7, b"renamed", THEIRS), Concern.LATER),
        (event(9, b"new", NEW, family=socket.AF_BRIDGE), Concern.NEVER),
        (event(7, b"", b"", NEWQDISC), Concern.NEVER),
        (event(2, b"", b"", NEWQDISC), Concern.NOW),
        (event(-1, b"", b"", NEWQDISC), Concern.NOW),
        (event(7, b"other7", THEIRS) + event(3, b"vf0", OURS), Concern.NOW),
    ],
)
def test_how_soon_to_look(judging: EventFilter, data: bytes, concern: Concern) -> None:
    assert judging.judge(data) is concern


def test_until_there_was_a_look_everything_concerns() -> None:
    assert EventFilter().judge(event(7, b"other7", THEIRS)) is Concern.NOW


def test_what_is_new_is_known_from_then_on(judging: EventFilter) -> None:
    data = event(9, b"new", NEW)
    assert [judging.judge(data) for _ in range(2)] == [Concern.LATER, Concern.NEVER]


def test_of_two_with_one_mac_that_one_goes_is_looked_at_later(judging: EventFilter) -> None:
    assert judging.judge(event(9, b"new", THEIRS)) is Concern.NOW
    assert judging.judge(event(9, b"new", THEIRS, DELLINK)) is Concern.LATER


@pytest.mark.parametrize(
    ("data", "news"),
    [
        (event(2, b"eth0", OURS), set()),
        (event(7, b"other7", THEIRS), set()),
        (event(9, b"vf1", OURS, parent=b"0000:00:02.0\0"), {9}),
        (event(9, b"vlan", NEW, link=u32(2)), {9}),
        (event(7, b"other7", THEIRS, master=u32(2)), {7}),
        # It may make a pair with an interface that is not known to concern anybody.
        (event(9, b"new", THEIRS), None),
        (event(9, b"new", NEW, parent=b"0000:00:02.0\0"), None),
        # A synthetic NIC that is new: its VF may have been there for long.
        (event(9, b"awaited", NEW), None),
    ],
)
def test_newcomers_are_returned_once(judging: EventFilter, data: bytes, news: set[int] | None) -> None:
    assert judging.take_newcomers() is None, "there was no full scan yet"
    judging.judge(data)
    assert judging.take_newcomers() == news
    assert judging.take_newcomers() == set(), "once"


def test_deferred_event_needs_a_full_scan(judging: EventFilter) -> None:
    judging.take_newcomers()
    assert judging.judge(event(9, b"new", NEW)) is judging.judge(b"") is Concern.LATER
    assert judging.take_newcomers() == set()
    judging.request_full_scan()
    assert judging.take_newcomers() is None


def test_reading_some_nics_keeps_the_cached_others(judging: EventFilter) -> None:
    judging.judge(event(9, b"new", NEW))
    some = {2: Identity(b"eth0", OTHERS, None)}
    judging.update(Interest(frozenset({2}), INTEREST.names, frozenset({OTHERS}), some, whole=False))
    known = [event(9, b"new", NEW), event(7, b"other7", THEIRS), event(8, b"other8", OTHERS)]
    assert [judging.judge(data) for data in known] == [Concern.NEVER] * 3
    # vf0, which was a member, is gone: an interface with its MAC is the only one now.
    assert judging.judge(event(3, b"vf0", OURS)) is Concern.LATER


@given(st.binary(max_size=200))
def test_arbitrary_data_is_judged(data: bytes) -> None:
    judging = EventFilter()
    judging.update(INTEREST)
    assert judging.judge(data) in Concern
