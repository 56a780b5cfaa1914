# SPDX-License-Identifier: GPL-2.0-only
"""Dumps for metrics: what changed is decoded, what only counted is not, and absent counters are no zeros."""

from dataclasses import replace
from typing import Any, cast

import pytest

from netvsc_bpf.discovery import counter_dumps
from netvsc_bpf.discovery.counter_dumps import CounterDumps
from netvsc_bpf.discovery.link_message import Link
from netvsc_bpf.kernel.net.rtnetlink import Message
from netvsc_bpf.model.nic import Nic
from tests.unit.discovery.shapes import VETH, VF, newlink

OTHER_MAC = "02:00:00:00:00:01"
STATISTICS = ("IFLA_STATS64", "IFLA_STATS")


class Dumped:
    """A socket whose dump the test sets, and how many of its messages were decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[Message] = []
        self.decoded = 0
        self.dumps = CounterDumps()
        monkeypatch.setattr(counter_dumps, "Link", self._link)

    def _link(self, body: bytes, *, settings: bool) -> Link:
        self.decoded += 1
        return Link(body, settings=settings)

    def dump(self, kind: int, body: bytes) -> list[Message]:
        return self.messages

    def read(self, *messages: Message, driver: str | None = "mlx5_core") -> list[Nic]:
        self.messages = list(messages)
        return self.dumps(cast(Any, self), lambda *_: driver)


@pytest.fixture
def dumped(monkeypatch: pytest.MonkeyPatch) -> Dumped:
    return Dumped(monkeypatch)


def counted(nic: Nic, packets: int) -> Message:
    """The kernel sends the counters twice, as numbers of 64 and of 32 bits (rtnl_fill_stats())."""
    both = [(name, {"rx_packets": packets, "rx_missed_errors": packets}) for name in STATISTICS]
    return newlink(nic, attributes=[*both, ("IFLA_GROUP", 7)])


def test_message_that_differs_in_counters_only_is_not_decoded_again(dumped: Dumped) -> None:
    for packets in (1, 2, 3):
        found = dumped.read(counted(VF, packets), counted(VETH, 10 * packets))
        assert [(nic.name, nic.rx_packets) for nic in found] == [
            (VF.name, packets),
            (VETH.name, 10 * packets),
        ]
        assert found[0].driver == "mlx5_core" and found[0].rx_missed == packets
    assert dumped.decoded == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"carrier": not VF.carrier},
        {"up": not VF.up},
        {"name": "vf1"},
        {"mtu": 9000},
        {"mac": "02:00:00:00:00:01"},
    ],
    ids=str,
)
def test_any_other_difference_is_decoded(dumped: Dumped, changed: dict[str, Any]) -> None:
    dumped.read(counted(VF, 1))
    (nic,) = dumped.read(counted(replace(VF, **changed), 1))
    assert {name: getattr(nic, name) for name in changed} == changed
    assert dumped.decoded == 2


def test_driver_that_was_not_there_is_looked_for_again(dumped: Dumped) -> None:
    (nic,) = dumped.read(newlink(VF), driver=None)
    assert nic.driver is None
    (nic,) = dumped.read(newlink(VF))
    assert nic.driver == "mlx5_core"


def test_interface_that_was_away_is_decoded_again(dumped: Dumped) -> None:
    dumped.read(newlink(VF))
    assert dumped.read() == []
    dumped.read(newlink(VF))
    assert dumped.decoded == 2


def test_kernel_that_leaves_the_counters_out_is_asked_without_the_filter_from_then_on() -> None:
    """Linux 7.0 and later leave IFLA_STATS64 out with RTEXT_FILTER_SKIP_STATS."""
    asked: list[int] = []

    class Newer:
        def dump(self, kind: int, body: bytes) -> list[Message]:
            asked.append(len(body))
            return [newlink(VF, counted=len(body) == 16)]

    dumps = CounterDumps()
    for _ in range(2):
        (nic,) = dumps(cast(Any, Newer()), lambda *_: "mlx5_core")
        assert (nic.name, nic.driver) == (VF.name, "mlx5_core")
    assert asked == [24, 16, 16]
