# SPDX-License-Identifier: GPL-2.0-only
"""Which interface a message of rtnetlink is about."""

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.kernel.net import link_watch
from netvsc_bpf.kernel.net.link_event_filter import Concern
from netvsc_bpf.kernel.net.link_watch import NetlinkWatch, link_changes

NEWLINK, DELLINK, NEWTFILTER = 16, 17, 44
AF_BRIDGE = 7


def message(kind: int, ifindex: int, family: int = 0, tail: bytes = b"") -> bytes:
    body = struct.pack("=BxHiII", family, 1, ifindex, 0, 0) + tail
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body + bytes(-len(body) % 4)


def test_each_message_of_a_datagram() -> None:
    data = message(NEWLINK, 7, tail=b"abcde") + message(NEWTFILTER, 8) + message(DELLINK, 9)
    assert list(link_changes(data)) == [(7, True), (9, False)]


def test_port_that_leaves_a_bridge_is_not_gone() -> None:
    assert list(link_changes(message(DELLINK, 7, AF_BRIDGE))) == []


def test_message_that_was_cut_off_ends_it() -> None:
    whole = message(NEWLINK, 7)
    assert list(link_changes(whole + whole[:20])) == [(7, True)]


@given(st.binary(max_size=200))
def test_arbitrary_data_terminates(data: bytes) -> None:
    assert len(list(link_changes(data))) <= 200


def test_deferred_event_is_not_lost_beside_an_urgent_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    judged = {b"urgent": Concern.NOW, b"": Concern.LATER}
    monkeypatch.setattr(link_watch, "LATER_S", 0.0)
    monkeypatch.setattr(link_watch, "received", lambda _: iter([b"", b"urgent"]))

    async def read() -> None:
        loop = asyncio.get_running_loop()
        watch = NetlinkWatch(
            loop, lambda: calls.append("wake"), judge=judged.__getitem__, later=lambda: calls.append("later")
        )
        try:
            watch._read()
            assert calls == ["wake"]
            while len(calls) < 3:
                await asyncio.sleep(0)
        finally:
            watch.close()

    asyncio.run(read())
    assert calls == ["wake", "later", "wake"]
