# SPDX-License-Identifier: GPL-2.0-only
"""Unrelated interfaces come, go and change all the time: pairs are not observed because of that."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.manager.turns import CONFIG, Turns
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.scraping import scrape, try_scrape
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]
_CHANGES = 200
_CROWD = 20
_RTM_GETLINK = 18


def looks(lab: Lab) -> float:
    count = scrape(lab).value("reconcile_duration_seconds_count")
    assert count is not None
    return count


def settled_looks(lab: Lab) -> float:
    """How often it has looked, once that is at rest."""
    seen = [-1.0, looks(lab)]

    def at_rest() -> bool:
        seen.append(looks(lab))
        return len(set(seen[-10:])) == 1

    eventually("no more looks", at_rest)
    return seen[-1]


def test_foreign_link_events_cause_no_observation_and_a_vf_among_them_is_joined(
    lab_factory: LabFactory, start: Start
) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    ip(lab, "link", "add", "other", "type", "veth", "peer", "name", "rehto")
    manager = start(lab)
    manager.wait_vf()
    eventually("the exporter answers", lambda: try_scrape(lab) is not None)
    before = settled_looks(lab)
    for number in range(_CHANGES):
        ip(lab, "link", "set", "dev", "other", "up" if number % 2 == 0 else "down")
    assert looks(lab) - before <= _CHANGES / 20, "each change has several events"
    lab.unplug_vf()
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    ip(lab, "link", "set", "dev", "other", "up")
    lab.plug_vf(up=False)
    manager.wait_vf()
    # An unrelated interface becomes a VF by its MAC alone.
    lab.unplug_vf()
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    ip(lab, "link", "set", "dev", "other", "down", "address", lab.plan.pair(0).mac)
    ip(lab, "link", "set", "dev", "rehto", "up")
    manager.wait_event("joined", "other")


def test_a_vf_that_joins_or_leaves_among_many_interfaces_takes_no_dump_of_them(
    lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE, vf=False))
    for number in range(_CROWD):
        ip(lab, "link", "add", f"other{number}", "type", "veth", "peer", "name", f"rehto{number}")
    turns, dumps, really = Turns(lab, config=replace(CONFIG, interval_s=3600.0)), list[int](), Rtnetlink.dump
    news: list[frozenset[int] | None] = [None]
    turns.reconciler.scope.news = lambda: news[0]

    def dump(rtnl: Rtnetlink, kind: int, body: bytes, *, whole: bool = False) -> list[Message]:
        dumps.append(kind)
        return really(rtnl, kind, body, whole=whole)

    def unarmed() -> bool:
        turns.turn()
        return turns.where == (Path.SYNTHETIC, Reason.NO_VF)

    try:
        eventually("attached", unarmed)
        for _ in range(2):
            lab.plug_vf(up=False)
            news[0] = frozenset({lab.ifindex(lab.guest, "vf0")})
            with monkeypatch.context() as patched:
                patched.setattr(Rtnetlink, "dump", dump)
                turns.turn()
                news[0] = frozenset()
                turns.turn()
                assert dumps and _RTM_GETLINK not in dumps
            eventually("armed", turns.armed)
            lab.unplug_vf()
            with monkeypatch.context() as patched:
                patched.setattr(Rtnetlink, "dump", dump)
                turns.turn()
                assert _RTM_GETLINK not in dumps
            eventually("the VF not armed", unarmed)
    finally:
        lab.in_guest(datapath.detach_all)
