# SPDX-License-Identifier: GPL-2.0-only
"""The rules as Prometheus' own promtool judges them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.metrics.families import FAMILIES
from netvsc_bpf.metrics.family import Type
from tests.kernel.support.attachment import attached
from tests.kernel.support.prometheus import REPO, RULES, promtool
from tests.kernel.support.scraping import collecting

FILE = RULES / "netvsc-bpf.rules.yml"
TESTS = sorted((Path(__file__).parent / "rules").glob("*.test.yml"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def test_rules_are_valid() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", str(FILE))


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_rules_fire_when_they_must_and_only_then(file: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", str(file))


def test_each_alert_is_tested_both_ways() -> None:
    fires: dict[str, set[bool]] = {}
    for test in yaml.safe_load((Path(__file__).parent / "rules" / "alerts.test.yml").read_text())["tests"]:
        for one in test["promql_expr_test"]:
            (name,) = re.findall(r'alertname="(\w+)"', one["expr"])
            fires.setdefault(name, set()).add(bool(one["exp_samples"]))
    assert fires == {rule["alert"]: {True, False} for rule in alerts()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_each_alert_says_what_it_is_and_where_to_read_on(rule: dict[str, Any]) -> None:
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook_url"}
    page, anchor = said["runbook_url"].split("#")
    text = (REPO / page).read_text()
    assert anchor == rule["alert"].lower()
    section = text.partition(f"## {rule['alert']}\n")[2].partition("\n## ")[0]
    for part in ("**Means**", "**Look at**", "**Do**"):
        assert part in section, part
    assert rule["labels"]["severity"] in ("warning", "critical")


def test_rules_use_only_metrics_that_there_are() -> None:
    suffixes = {Type.HISTOGRAM: ("_bucket", "_count", "_sum")}
    known = {f"{one.full_name}{suffix}" for one in FAMILIES for suffix in suffixes.get(one.type, ("",))}
    used = {name for rule in rules() for name in re.findall(r"\bnetvsc_bpf_[a-z_]+", rule["expr"])}
    assert used <= known
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert {name for rule in rules() for name in re.findall(r"netvsc_bpf:[\w:]+", rule["expr"])} <= recorded


def test_metrics_are_what_promtool_wants_of_metrics(lab: Lab) -> None:
    with attached(lab):
        assert promtool("check", "metrics", stdin=collecting(lab)().text) == ""
