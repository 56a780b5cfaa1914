# SPDX-License-Identifier: GPL-2.0-only
"""A real Prometheus with a hundred made-up VMs: bench.fleet in small."""

import json
import re
import subprocess
import sys
from pathlib import Path

from bench.fleet import DASHBOARD
from tests.kernel.support.prometheus import REPO, RULES, binary_or_skip


def test_the_rules_count_every_state_and_the_dashboard_has_answers(tmp_path: Path) -> None:
    binary_or_skip("prometheus")
    result = tmp_path / "fleet.json"
    line = [sys.executable, "-m", "bench.fleet", "--vms", "100", "--rounds", "1", "--scrape-s", "1"]
    done = subprocess.run(
        [*line, "--json", str(result)], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert result.exists(), done.stdout + done.stderr
    found = json.loads(result.read_text())
    tables = {table["title"]: table["rows"] for table in found["tables"]}
    states = {state: (made, counted) for state, made, counted in tables["VMs by state"]}
    assert all(made == counted for made, counted in states.values()), states
    assert all(int(made) >= 1 for made, _ in states.values())
    queries = tables["each query of the dashboard for a fleet"]
    assert len(queries) >= 12
    assert [title for title, _, series in queries if series == "0"] == []


def test_the_dashboard_is_drawn_of_what_the_rules_record() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        taken = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        cells |= taken
        assert panel["type"] == "row" or panel["description"]
    recorded = set(re.findall(r"record: (\S+)", (RULES / "netvsc-bpf-fleet.rules.yml").read_text()))
    used = set(re.findall(r"netvsc_bpf:[\w:]+", json.dumps(dashboard)))
    assert used <= recorded
    names = {one["name"] for one in dashboard["templating"]["list"]}
    asked = {
        name
        for panel in panels
        for part in panel.get("targets", [])
        for name in re.findall(r"\$(\w+)", part["expr"])
    }
    assert asked <= names and names - asked == {"datasource"}
