# SPDX-License-Identifier: GPL-2.0-only
"""The rules for a fleet, judged by promtool; what they count is in rules/fleet.test.yml."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from netvsc_bpf.metrics.families import FAMILIES
from tests.kernel.support.prometheus import REPO, RULES, promtool

FILE = RULES / "netvsc-bpf-fleet.rules.yml"
BESIDE = RULES / "netvsc-bpf.rules.yml"


def rules(file: Path = FILE) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def recorded(*files: Path) -> set[str]:
    return {rule["record"] for file in files for rule in rules(file) if "record" in rule}


def test_rules_are_valid_and_use_only_what_there_is() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", str(FILE))
    text = " ".join(rule["expr"] for rule in rules())
    assert set(re.findall(r"\bnetvsc_bpf_[a-z_]+", text)) <= {one.full_name for one in FAMILIES}
    assert set(re.findall(r"netvsc_bpf:[\w:]+", text)) <= recorded(FILE, BESIDE)
    assert not recorded(FILE) & recorded(BESIDE)


def test_each_state_is_counted_alike_and_documented() -> None:
    """Only the condition differs; docs/fleet.md has a row for each."""
    states = {
        rule["labels"]["state"]: rule["expr"]
        for rule in rules()
        if rule.get("record") == "netvsc_bpf:fleet_vms_in_state:count"
    }
    assert len(states) == 8
    page = (REPO / "docs/fleet.md").read_text()
    for state, expression in states.items():
        assert expression.startswith(
            "count by (region, driver, vf_driver, version) (\n  group by (job, instance,"
        )
        assert expression.rstrip().endswith("or 0 * netvsc_bpf:fleet_vms:count")
        assert f"| `{state}` |" in page


def vm(number: int, region: str, slow: str) -> list[dict[str, str]]:
    """The series of a VM that is slow for a reason from the third minute on, or is not (an empty reason)."""
    target = f'job="netvsc-bpf",instance="{region}{number}",region="{region}"'
    nic = f'{target},interface="eth0"'
    values = {
        f'netvsc_bpf_build_info{{{target},version="1.1.0"}}': "1+0x60",
        f'netvsc_bpf_interface_info{{{nic},driver="hv_netvsc",vf_driver="mana"}}': "1+0x60",
    }
    if slow:
        values |= {
            f"netvsc_bpf_vf_present{{{nic}}}": "1+0x60",
            f"netvsc_bpf_vf_active{{{nic}}}": "1+0x11 0+0x48",
            f"netvsc_bpf_vf_damped{{{nic}}}": f"0+0x11 {int(slow == 'damped')}+0x48",
            f'netvsc_bpf_path_reason{{{nic},reason="{slow}"}}': "_x12 1+0x48",
        }
    return [{"series": name, "values": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("total", "slow", "fires"),
    [
        pytest.param(20, ["no-carrier", "stalled", "damped"], True, id="three of twenty"),
        pytest.param(20, ["drained"] * 10, False, id="drained by an operator"),
        pytest.param(4, ["no-carrier"] * 2, False, id="two are no fleet"),
        pytest.param(60, ["no-carrier"] * 3, False, id="a twentieth"),
        pytest.param(20, [], False, id="none"),
    ],
)
def test_many_slow_vms_fire_one_alert(tmp_path: Path, total: int, slow: list[str], fires: bool) -> None:
    series = [
        one for number in range(total) for one in vm(number, "north", dict(enumerate(slow)).get(number, ""))
    ]
    firing = 'count by (region, version) (ALERTS{alertname="NetvscBpfFleetSlowPath",alertstate="firing"})'
    expected = [{"labels": '{region="north",version="1.1.0"}', "value": 1}] if fires else []
    tests = {
        "rule_files": [str(BESIDE), str(FILE)],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": series,
                "promql_expr_test": [
                    {"expr": firing, "eval_time": "7m30s", "exp_samples": []},
                    {"expr": firing, "eval_time": "9m", "exp_samples": expected},
                ],
            }
        ],
    }
    (file := tmp_path / "alert.test.yml").write_text(yaml.safe_dump(tests))
    assert "SUCCESS" in promtool("test", "rules", str(file))


@pytest.mark.parametrize(
    "rule", [rule for rule in rules() if "alert" in rule], ids=lambda rule: rule["alert"]
)
def test_each_alert_is_documented(rule: dict[str, Any]) -> None:
    section = (
        (REPO / "docs/alerts.md").read_text().partition(f"## {rule['alert']}\n")[2].partition("\n## ")[0]
    )
    for part in ("**Means**", "**Look at**", "**Do**"):
        assert part in section, part
    assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"
