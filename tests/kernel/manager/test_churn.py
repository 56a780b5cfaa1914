# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces of other people come, go and change all the time: that makes nobody look at the pairs."""

from collections.abc import Callable

import pytest

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.scraping import scrape, try_scrape
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]
_CHANGES = 200


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


@pytest.mark.guest
def test_foreign_link_events_make_nobody_look_and_a_vf_among_them_is_joined(
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
    # What was nobody's becomes a VF: by its MAC alone.
    lab.unplug_vf()
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    ip(lab, "link", "set", "dev", "other", "down", "address", lab.plan.pair(0).mac)
    ip(lab, "link", "set", "dev", "rehto", "up")
    manager.wait_told("joined", "other")
