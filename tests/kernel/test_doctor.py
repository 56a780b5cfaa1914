# SPDX-License-Identifier: GPL-2.0-only
"""The doctor on a real kernel: what it foretells is what attach then does, and what it warns of is there."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from netvsc_bpf.lab.topology import Lab

Cli = Callable[..., subprocess.CompletedProcess[str]]
ATTACH = ("attach", "eth0", "--vf", "vf0")


def findings(cli: Cli, status: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Run the doctor and return its findings by check."""
    result = cli("doctor", "--json")
    assert result.returncode == status, result.stderr + result.stdout
    by_check: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(result.stdout)["findings"]:
        by_check.setdefault(finding["check"], []).append(finding)
    return by_check


def attach(cli: Cli, *options: str) -> dict[str, Any]:
    result = cli(*ATTACH, "--json", *options)
    assert result.returncode == 0, result.stderr
    state: dict[str, Any] = json.loads(result.stdout)[0]
    return state


@pytest.mark.guest
def test_hook_and_rung_that_the_doctor_foretells_are_those_of_attach(netvsc_bpf_cli: Cli) -> None:
    foretold = findings(netvsc_bpf_cli)
    state = attach(netvsc_bpf_cli)
    print(foretold["hook"], foretold["liveness"])
    assert foretold["hook"][0]["what"].split(":")[0] == state["hook"]
    assert foretold["liveness"][0]["what"].split(" ")[0] == state["liveness"]


@pytest.mark.guest
def test_s63_own_programs_are_no_conflict(netvsc_bpf_cli: Cli) -> None:
    attach(netvsc_bpf_cli, "--guard", "all")
    found = findings(netvsc_bpf_cli)
    assert found["pair"] == [
        {"check": "pair", "level": "ok", "what": "eth0 (veth): VF vf0 (veth)", "remedy": None}
    ]
    assert not {"foreign-tc", "foreign-xdp", "vf-mtu", "vf-addresses", "vf-routes"} & set(found)


@pytest.mark.guest
def test_s13_vf_with_addresses_and_routes_is_warned_of(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    attach(netvsc_bpf_cli)
    lab.run(lab.guest, ["ip", "address", "add", "198.51.100.7/24", "dev", "vf0"])
    lab.run(lab.guest, ["ip", "route", "add", "203.0.113.0/24", "dev", "vf0"])
    lab.run(lab.guest, ["ip", "route", "add", "198.18.0.0/15", "dev", "vf0", "table", "77"])
    found = findings(netvsc_bpf_cli)
    assert [one["level"] for check in ("vf-addresses", "vf-routes") for one in found[check]] == [
        "warning",
        "warning",
    ]
    assert found["vf-addresses"][0]["what"] == "vf0 is a VF and has 198.51.100.7/24"
    told = found["vf-routes"][0]["what"]
    assert "203.0.113.0/24" in told and "198.18.0.0/15" in told
    assert "198.51.100.0/24" not in told


def test_s31_mtu_of_the_vf_alone_is_warned_of(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    attach(netvsc_bpf_cli)
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "mtu", "1400"])
    (finding,) = findings(netvsc_bpf_cli)["vf-mtu"]
    assert (finding["level"], finding["remedy"]) == ("warning", "`ip link set vf0 mtu 1500`")


def test_s67_inside_ip_netns_exec_the_doctor_names_the_option(lab: Lab) -> None:
    command = [sys.executable, "-m", "netvsc_bpf.cli.main", "doctor"]
    result = subprocess.run(
        ["ip", "netns", "exec", lab.guest, *command], text=True, capture_output=True, check=False
    )
    assert result.returncode == 4, result.stdout
    assert f"run it from outside with --netns {lab.guest}" in result.stdout


def test_s67_without_capabilities_nothing_else_is_blamed(netvsc_bpf_cli: Cli) -> None:
    names = "-bpf,-sys_admin,-perfmon,-net_admin"
    command = ["setpriv", "--bounding-set", names, "--inh-caps", names, sys.executable]
    result = subprocess.run(
        [*command, "-m", "netvsc_bpf.cli.main", "doctor", "--json"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 4, result.stderr
    levels = {one["check"]: one["level"] for one in json.loads(result.stdout)["findings"]}
    assert [check for check, level in levels.items() if level == "problem"] == ["capabilities"]
    assert (levels["hook"], levels["liveness"]) == ("warning", "warning")
