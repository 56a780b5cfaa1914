# SPDX-License-Identifier: GPL-2.0-only
"""The doctor on a real kernel: what it foretells is what attach then does, and what it warns of is there."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.hooks.feature_probes import why_no_tcx
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab
from tests.kernel.programs import SCHED_CLS, XDP, counting_program
from tests.kernel.support.waiting import eventually

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


def has_tcx() -> bool:
    return why_no_tcx() is None


def called(pid: int, name: str) -> bool:
    return name in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]


@pytest.mark.guest
def test_hook_and_level_predicted_by_the_doctor_are_those_of_attach(netvsc_bpf_cli: Cli) -> None:
    foretold = findings(netvsc_bpf_cli)
    state = attach(netvsc_bpf_cli)
    print(foretold["hook"], foretold["liveness"])
    assert foretold["hook"][0]["what"].split(":")[0] == state["hook"]
    assert foretold["liveness"][0]["what"].split(" ")[0] == state["liveness"]


def test_s63_own_programs_are_no_conflict(netvsc_bpf_cli: Cli) -> None:
    attach(netvsc_bpf_cli, "--guard", "all")
    found = findings(netvsc_bpf_cli)
    assert found["pair"] == [
        {"check": "pair", "level": "ok", "what": "eth0 (veth): VF vf0 (veth)", "remedy": None}
    ]
    assert not {"foreign-tc", "foreign-xdp", "vf-mtu", "vf-addresses", "vf-routes"} & set(found)


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
    assert found["vf-addresses"][0]["what"] == "the VF vf0 has an address of its own: 198.51.100.7/24"
    reported = found["vf-routes"][0]["what"]
    assert "203.0.113.0/24" in reported and "198.18.0.0/15" in reported
    assert "198.51.100.0/24" not in reported


def test_s12_ipv6_that_came_back_on_the_vf_is_warned_of(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    attach(netvsc_bpf_cli)
    assert "vf-ipv6" not in findings(netvsc_bpf_cli)
    lab.in_guest(wiring.write_sysctl, "ipv6/conf/vf0/disable_ipv6", 0)
    (finding,) = findings(netvsc_bpf_cli)["vf-ipv6"]
    assert finding["remedy"] == "`sysctl -w net.ipv6.conf.vf0.disable_ipv6=1`"


def test_s13_dhcp_client_on_the_vf_is_warned_of(lab: Lab, netvsc_bpf_cli: Cli, tmp_path: Path) -> None:
    attach(netvsc_bpf_cli)
    # Not a client, but named like one: DHCP clients are recognised by name and arguments.
    client = tmp_path / "dhclient"
    shutil.copy(sys.executable, client)
    command = [str(client), "-c", "import time; time.sleep(600)", "vf0"]
    running = [subprocess.Popen(command_in(place, command)) for place in (lab.guest, lab.peer)]
    try:
        eventually("it is called dhclient", lambda: all(called(one.pid, "dhclient") for one in running))
        (finding,) = findings(netvsc_bpf_cli)["vf-dhcp"]
    finally:
        for one in running:
            one.kill()
            one.wait()
    assert finding["what"] == f"dhclient (process {running[0].pid}) configures the VF vf0"


def test_s63_order_of_all_programs_is_the_kernels_own(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    if not lab.in_guest(has_tcx):
        pytest.skip("this kernel has no tcx (requires 6.6 or later)")
    with counting_program(SCHED_CLS) as first, counting_program(SCHED_CLS) as last:
        numbers = first.id, last.id
        indexes = [lab.ifindex(lab.guest, "eth0"), lab.ifindex(lab.guest, "vf0")]
        hooks = [(indexes[0], Direction.EGRESS), (indexes[1], Direction.INGRESS)]
        held = [lab.in_guest(libbpf.link_create, first.fd, *hook) for hook in hooks]
        attach(netvsc_bpf_cli, "--guard", "all")
        held += [lab.in_guest(libbpf.link_create, last.fd, *hook) for hook in hooks]
        found = findings(netvsc_bpf_cli)
        for fd in held:
            os.close(fd)
    said = [one["what"] for one in found["program-order"]]
    before, after = (f"tcx foreign (program {one})" for one in numbers)
    assert f"eth0 sends through {before}, then tcx steer (ours), then {after}" in said
    assert f"vf0 receives through {before}, then tcx home (ours), then {after}" in said
    assert "eth0 receives through XDP guard (ours)" in said
    blind = [one["what"] for one in found["foreign-tc"] if one["level"] == "warning"]
    assert len(blind) == 2 and all(str(numbers[1]) in one for one in blind)


def test_cilium_on_the_vf_is_known_by_the_name_of_its_program(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    attach(netvsc_bpf_cli)
    with counting_program(XDP, name=b"cil_xdp_entry") as program:
        vf = lab.ifindex(lab.guest, "vf0")
        link = lab.in_guest(libbpf.link_create, program.fd, vf, libbpf.XDP)
        (finding,) = findings(netvsc_bpf_cli)["container-network"]
        os.close(link)
    assert (finding["level"], finding["what"]) == ("warning", "Cilium runs on the VF vf0: cil_xdp_entry")


def test_s42_shaping_on_the_synthetic_nic_alone_is_warned_of(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    attach(netvsc_bpf_cli)
    assert [one["level"] for one in findings(netvsc_bpf_cli)["qdisc"]] == ["ok"]
    lab.run(lab.guest, ["tc", "qdisc", "add", "dev", "eth0", "root", "handle", "1:", "htb"])
    warned, reported = findings(netvsc_bpf_cli)["qdisc"]
    assert (warned["level"], reported["level"]) == ("warning", "ok")
    assert "eth0 shapes with htb" in warned["what"]


def test_backlog_of_this_machine_is_read(netvsc_bpf_cli: Cli) -> None:
    (finding,) = findings(netvsc_bpf_cli)["backlog"]
    assert "since boot" in finding["what"]


def test_s31_mtu_of_the_vf_alone_is_warned_of(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    attach(netvsc_bpf_cli)
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "mtu", "1400"])
    (finding,) = findings(netvsc_bpf_cli)["vf-mtu"]
    assert (finding["level"], finding["remedy"]) == ("warning", "`ip link set dev vf0 mtu 1500`")


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
