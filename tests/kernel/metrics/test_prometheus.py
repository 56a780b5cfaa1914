# SPDX-License-Identifier: GPL-2.0-only
"""A real Prometheus in the guest of a lab scrapes a real `run`."""

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

import pytest

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path
from tests.kernel.support.manager import Manager
from tests.kernel.support.prometheus import REPO, RULES, Prometheus, prometheus
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]
SCRAPE_S = 1
DASHBOARD = REPO / "deploy" / "grafana" / "dashboards" / "netvsc-bpf.json"
CONFIG = """
global:
  scrape_interval: {scrape}s
  evaluation_interval: {scrape}s
rule_files: [{rules}]
scrape_configs:
  - job_name: netvsc-bpf
    static_configs:
      - targets: ["127.0.0.1:9855"]
"""


@contextmanager
def watching(lab: Lab, folder: FilePath, for_s: int = 3) -> Iterator[Prometheus]:
    """Run it with our rules, which here wait for some seconds instead of minutes."""
    rules = folder / "rules.yml"
    shipped = (RULES / "netvsc-bpf.rules.yml").read_text()
    rules.write_text(re.sub(r"\bfor: \d+m\b", f"for: {for_s}s", shipped))
    with prometheus(lab, folder, CONFIG.format(scrape=SCRAPE_S, rules=rules)) as server:
        eventually("it scrapes", lambda: server.value('up{job="netvsc-bpf"}') == 1)
        yield server


def changes(server: Prometheus) -> float:
    return server.value("sum(netvsc_bpf_path_changes_total)") or 0


def test_it_scrapes_every_sample_and_finds_nothing_wrong(lab: Lab, start: Start, tmp_path: FilePath) -> None:
    manager = start(lab, "eth0", "--settle", "20")
    manager.wait_vf()
    with watching(lab, tmp_path) as server, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        eventually("traffic is seen", lambda: (server.value(RATE) or 0) > 100)
        (target,) = server.get("api/v1/targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        eventually("it is on the VF", lambda: server.value("netvsc_bpf_vf_active") == 1)
        assert server.value("scrape_samples_scraped") == server.value(
            "count({__name__=~'netvsc_bpf_[a-z_]+',job='netvsc-bpf'})"
        )
        known = server.get("api/v1/metadata")
        assert known["netvsc_bpf_packets_total"][0]["type"] == "counter"
        assert known["netvsc_bpf_vf_join_seconds"][0]["type"] == "histogram"
        assert not server.firing()


RATE = 'rate(netvsc_bpf_packets_total{direction="tx",path="vf"}[10s])'


def test_slow_path_alert_fires_within_its_time_and_one_scrape(
    lab: Lab, start: Start, tmp_path: FilePath
) -> None:
    """By Prometheus' own clock, from the kernel's time of the loss."""
    for_s = 3
    manager = start(lab, "eth0", "--settle", "20")
    manager.wait_vf()
    with watching(lab, tmp_path, for_s) as server, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        eventually("it is on the VF", lambda: server.value("netvsc_bpf_vf_active") == 1)
        assert "NetvscBpfSlowPath" not in server.firing()
        lab.vf_carrier(False)
        manager.wait_path(Path.SYNTHETIC)
        eventually("it fires", lambda: "NetvscBpfSlowPath" in server.firing())
        (alert,) = [
            one
            for one in server.get("api/v1/alerts")["alerts"]
            if one["labels"]["alertname"] == "NetvscBpfSlowPath"
        ]
        assert alert["labels"]["interface"] == "eth0"
        assert not any("<error" in text or "{{" in text for text in alert["annotations"].values())
        lost = float(server.value("netvsc_bpf_last_path_change_timestamp_seconds") or 0)
        fired = "timestamp(ALERTS{alertname='NetvscBpfSlowPath',alertstate='firing'})"
        first = min(
            float(value)
            for series in server.get(
                "api/v1/query_range", query=fired, start=str(lost), end=str(time.time()), step="0.1"
            )["result"]
            for _, value in series["values"]
        )
        assert for_s <= first - lost, "no sooner than it says"
        # One scrape to see it and one evaluation to notice; either may come late on a loaded machine.
        late = sum(lateness(server, series, lost, first) for series in ("up", "netvsc_bpf:packets:rate5m"))
        assert first - lost <= for_s + 2 * SCRAPE_S + late
        print(f"fired {first - lost:.2f} s after the loss: for {for_s}, scrape {SCRAPE_S}, late {late:.2f}")
        lab.vf_carrier(True)
        eventually("it is over", lambda: "NetvscBpfSlowPath" not in server.firing())


def lateness(server: Prometheus, series: str, begin: float, end: float) -> float:
    """How much later than its interval a series was continued: what the machine, not the rule, took."""
    answer = server.get(
        "api/v1/query_range",
        query=f"max(timestamp({series}))",
        start=str(begin - 5),
        end=str(end),
        step="0.1",
    )
    seen = sorted({float(value) for series in answer["result"] for _, value in series["values"]})
    return max((b - a - SCRAPE_S for a, b in itertools.pairwise(seen)), default=0.0)


def test_dead_manager_fires_while_the_data_path_is_attached(
    lab: Lab, start: Start, tmp_path: FilePath
) -> None:
    manager = start(lab, "eth0")
    manager.wait_vf()
    with watching(lab, tmp_path) as server:
        eventually("pairs are seen", lambda: server.value("netvsc_bpf_vf_active") == 1)
        manager.kill()
        eventually("it fires", lambda: "NetvscBpfManagerDown" in server.firing())
        start(lab, "eth0")
        eventually("it is over", lambda: "NetvscBpfManagerDown" not in server.firing())


def expressions() -> list[tuple[str, str]]:
    """Every query of the dashboard, with the title of its panel."""
    dashboard = json.loads(DASHBOARD.read_text())
    found = [(p["title"], t["expr"]) for p in dashboard["panels"] for t in p.get("targets", [])]
    return found + [(one["name"], one["expr"]) for one in dashboard["annotations"]["list"]]


def filled_in(expression: str) -> str:
    for name, value in (
        ("$__rate_interval", "30s"),
        ("$__interval", "5m"),
        ("$__range", "5m"),
        ("$job", ".*"),
        ("$instance", ".*"),
        ("$interface", ".*"),
    ):
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def is_number(series: dict[str, Any]) -> bool:
    return series["value"][1] != "NaN"


def test_every_query_of_the_dashboard_has_an_answer(lab: Lab, start: Start, tmp_path: FilePath) -> None:
    lab.unplug_vf()
    manager = start(lab, "eth0", "--settle", "20")
    manager.wait_event("attached")
    with watching(lab, tmp_path) as server, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        eventually("nothing joined yet", lambda: server.value("netvsc_bpf_vf_join_seconds_count") == 0)
        lab.plug_vf(up=False)
        manager.wait_vf()
        eventually("the join is seen", lambda: server.value("netvsc_bpf_vf_join_seconds_count") == 1)
        missing = {expression: title for title, expression in expressions()}
        assert len(missing) >= 15

        def answered() -> bool:
            for expression in list(missing):
                found = server.query(filled_in(expression))
                if found and all(map(is_number, found)):
                    del missing[expression]
            return not missing

        try:
            eventually("every query has an answer", answered)
        except AssertionError as error:
            raise AssertionError(f"no answer to {missing}") from error


def test_dashboard_and_provisioning_fit_each_other() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    cells: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        taken = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= taken
        assert panel["type"] == "row" or panel["description"]
    assert {one["name"] for one in dashboard["templating"]["list"]} == {
        "datasource",
        "job",
        "instance",
        "interface",
    }


@pytest.mark.parametrize("name", ["prometheus.yml"])
def test_shipped_configuration_is_valid(name: str) -> None:
    from tests.kernel.support.prometheus import promtool

    assert "SUCCESS" in promtool("check", "config", str(RULES / name))
