# SPDX-License-Identifier: GPL-2.0-only
"""Programs are replaced under traffic: only their ids in the kernel show it."""

from contextlib import ExitStack

import pytest

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.status import PairStatus
from tests.kernel.direct import Direct, direct, force_clsact
from tests.kernel.support.devices import received, transmitted
from tests.kernel.support.load import bearable
from tests.kernel.support.versions import Versions, assert_of_one_version, hooked
from tests.kernel.support.waiting import eventually

RATE = bearable(20_000, emulated=2_000)
UPGRADES = bearable(3, emulated=2)


def go_on(streams: list[UdpStream], packets: int) -> None:
    """Wait until each of the streams has carried so many packets more."""
    goals = [stream.received + packets for stream in streams]
    eventually(
        "traffic goes on", lambda: all(one.received >= goal for one, goal in zip(streams, goals, strict=True))
    )


def at_rest(lab: Lab, here: Direct) -> tuple[PairStatus, tuple[int, int]]:
    """Return the status, and what the VF's driver sent and received, read while nothing came by.

    The kernels at both ends say things of their own accord: a neighbour solicited between two readings is in
    the later one alone.
    """
    found: list[tuple[PairStatus, tuple[int, int]]] = []

    def driver() -> tuple[int, int]:
        return transmitted(lab, lab.guest, "vf0"), received(lab, lab.guest, "vf0")

    def calm() -> bool:
        before = driver()
        found.append((here.status(), before))
        return driver() == before

    eventually("nothing comes by", calm)
    return found[-1]


def counted(status: PairStatus) -> tuple[int, ...]:
    parts = (status.tx.vf, status.tx.synthetic, status.rx.vf, status.rx.synthetic)
    return tuple(number for part in parts for number in (part.packets, part.bytes))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("hook", [pytest.param("best", marks=pytest.mark.guest), "clsact"])
def test_s65_upgrade_under_load_loses_nothing_and_counters_go_on(
    lab: Lab, versions: Versions, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    if hook == "clsact":
        force_clsact(monkeypatch)
    with direct(lab) as here, ExitStack() as opened:
        assert here.attach(guard="multicast").status.path == "vf"
        lab.run(lab.guest, ["ping", "-c", "3", "-i", "0.1", "-W", "20", "10.99.0.2"])
        first_hooks = hooked(lab)
        first, (sent, got) = at_rest(lab, here)
        plans = [udp_plan(lab, direction, rate=RATE) for direction in Direction]
        streams = [opened.enter_context(UdpStream(plan)) for plan in plans]
        before, hooks = here.status(), first_hooks
        for _ in range(UPGRADES):
            go_on(streams, RATE // 10)
            versions.next()
            after = here.attach().status
            go_on(streams, RATE // 10)

            now = hooked(lab)
            assert_of_one_version(now)
            assert now.places == hooks.places
            assert not set(now.programs.values()) & set(hooks.programs.values())
            assert now.build != hooks.build
            assert all(new >= old for new, old in zip(counted(after), counted(before), strict=True))
            before, hooks = after, now
        results = [stream.stop() for stream in streams]
        last, (sent_in_all, got_in_all) = at_rest(lab, here)
        assert [(one.lost, one.duplicates, one.refused) for one in results] == [(0, 0, 0)] * 2
        assert (last.path, last.path_changes) == ("vf", first.path_changes)
        assert last.hook == first.hook
        # Each packet was counted once, by the old program or the new one: the device says how many came by.
        assert last.tx.vf.packets - first.tx.vf.packets == sent_in_all - sent
        # But for frames that home dropped as duplicates: the synthetic NIC receives them too.
        duplicates = last.drops.rx_duplicate - first.drops.rx_duplicate
        assert 0 <= got_in_all - got - (last.rx.vf.packets - first.rx.vf.packets) <= duplicates
        assert last.tx.vf.packets - first.tx.vf.packets >= results[0].sent
        assert last.rx.vf.packets - first.rx.vf.packets >= results[1].sent
        print([one.sent for one in results], "sent,", UPGRADES, "upgrades on", last.hook)
