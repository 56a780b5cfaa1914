# SPDX-License-Identifier: GPL-2.0-only
"""One time for each path change, the kernel's, for every reader and time namespace."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from tests.kernel.commands import run
from tests.kernel.support.attachment import attached
from tests.kernel.support.manager import Manager
from tests.kernel.support.scraping import Scrape
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]
SHIFTED = ("unshare", "--time", "--monotonic", "5000", "--boottime", "100000")
SWITCHES = [("vf", "armed"), ("synthetic", "vf-down")]


def switches(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["to"], one["reason"]) for one in records if one["event"] == "switched"]


def asked(lab: Lab, *wrapped_in: str) -> tuple[list[dict[str, Any]], str]:
    """The events, and the last change as `status` has it."""
    done = run(lab, "events", "--json", wrapped_in=wrapped_in)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    (pair,) = json.loads(run(lab, "status", "--json", wrapped_in=wrapped_in).stdout)
    return records, pair["last_change"]


def test_s110_a_time_namespace_shifts_no_event(lab: Lab) -> None:
    before = datetime.now(UTC)
    with attached(lab, settle_ms=10) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        lab.vf_down()
        eventually("left", lambda: not pair.state().armed)
        after = datetime.now(UTC)
        records, last_change = asked(lab, *SHIFTED)
        assert switches(records) == SWITCHES
        assert before <= datetime.fromisoformat(last_change) <= after
        assert (records, last_change) == asked(lab)


def test_an_event_status_and_a_scrape_have_the_same_time_of_a_path_change(lab: Lab) -> None:
    with attached(lab, settle_ms=10) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        lab.vf_down()
        eventually("left", lambda: not pair.state().armed)
        records, last_change = asked(lab)
        assert records[-1]["time"] == last_change
        moment = Scrape(run(lab, "metrics").stdout).value(
            "last_path_change_timestamp_seconds", interface="eth0"
        )
        assert moment == datetime.fromisoformat(last_change).timestamp()


def test_s110_a_manager_in_a_time_namespace_counts_by_the_kernels_clock(
    lab_factory: Callable[[LabPlan], Lab], start: Start
) -> None:
    lab = lab_factory(LabPlan(vf=False))
    manager = start(lab, "eth0", "--settle", "50", wrapped_in=SHIFTED)
    manager.wait_event("attached")
    plugged = CLOCKS.boottime()
    lab.plug_vf()
    armed = manager.wait_event("switched", "armed")
    assert 0.05 <= armed["join_s"] <= (armed["boottime_ns"] - plugged) / 1e9
    assert abs(datetime.now(UTC) - datetime.fromisoformat(armed["time"])).total_seconds() < 3600
    # No traffic: only the manager triggers the kernel's check once the settle time is over.
    lab.vf_down()
    manager.wait_event("switched", "vf-down")
    lab.vf_up()
    again = manager.wait_event("switched", "armed", times=2)
    assert again["duration_s"] >= 0.05
    records, last_change = asked(lab)
    assert records[-1]["time"] == last_change == again["time"]
