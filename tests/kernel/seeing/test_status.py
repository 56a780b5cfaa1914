# SPDX-License-Identifier: GPL-2.0-only
"""What `status` says beside path and counters: manager, settle time, and NICs that are not used."""

import json
import time
from datetime import datetime
from typing import Any

from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import state
from tests.kernel.conftest import Cli
from tests.kernel.support.manager import ip, managers, tap
from tests.kernel.support.waiting import eventually

ATTACH = ("attach", "eth0", "--any-bus", "--json")


def shown(cli: Cli) -> dict[str, Any]:
    return state(cli("status", "eth0", "--json"))


def ping(lab: Lab) -> None:
    lab.run(lab.guest, ["ping", "-c1", "-W1", lab.plan.pair(0).peer_address], check=False)


def test_nothing_attached_says_what_to_do(netvsc_bpf_cli: Cli) -> None:
    done = netvsc_bpf_cli("status")
    assert done.returncode == 0 and done.stdout.startswith("no pair is attached: attach one with `netvsc-bpf")
    assert "no pair is attached" in " ".join(
        netvsc_bpf_cli("top", "--once", "--interval", "0.1").stdout.split()
    )


def test_manager_is_shown(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    state(netvsc_bpf_cli(*ATTACH))
    assert shown(netvsc_bpf_cli)["managed"] is False
    assert "manager       none runs" in netvsc_bpf_cli("status").stdout
    with managers(lab) as start:
        start().wait_event("ready")
        assert shown(netvsc_bpf_cli)["managed"] is True
        assert "manager       running" in netvsc_bpf_cli("status").stdout


def test_what_is_left_of_the_settle_time_is_shown(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    state(netvsc_bpf_cli(*ATTACH, "--settle", "20"))
    assert shown(netvsc_bpf_cli)["until"] is None
    with managers(lab) as start:
        start("eth0", "--settle", "3600000").wait_event("permitted")
        lab.vf_down()
        ping(lab)  # on the level `live` a packet notices it
        lab.vf_up()

        def settles() -> bool:
            ping(lab)
            return shown(netvsc_bpf_cli)["until"] is not None

        eventually("the kernel has found the VF usable", settles)
        pair = shown(netvsc_bpf_cli)
        assert (pair["reason"], pair["settle_ms"]) == ("settling", 3_600_000)
        left = datetime.fromisoformat(pair["until"]).timestamp() - time.time()
        assert 3500 < left <= 3600
        assert "no action needed: it is used from " in " ".join(netvsc_bpf_cli("status").stdout.split())


def test_candidates_that_are_not_used_are_named_with_the_reason(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    state(netvsc_bpf_cli(*ATTACH))
    assert shown(netvsc_bpf_cli)["unused"] == []
    lab.unplug_vf()
    tap(lab, "vf8")
    try:
        assert shown(netvsc_bpf_cli)["unused"] == ["vf8 fits, and has not joined yet"]
        tap(lab, "vf9")
        (said,) = shown(netvsc_bpf_cli)["unused"]
        assert said.startswith("VF of eth0: vf8, vf9 all carry its MAC")
        assert "eth0 has no VF now; VF of eth0: vf8, vf9" in " ".join(netvsc_bpf_cli("status").stdout.split())
        ip(lab, "link", "add", "br9", "type", "bridge")
        for name in ("vf8", "vf9"):
            ip(lab, "link", "set", name, "master", "br9")
        assert "it belongs to bridge br9" in shown(netvsc_bpf_cli)["unused"][0]
    finally:
        for name in ("vf8", "vf9", "br9"):
            lab.run(lab.guest, ["sh", "-c", f"ip link del {name} 2>/dev/null || true"])


def test_top_prints_json_lines(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    state(netvsc_bpf_cli(*ATTACH))
    done = netvsc_bpf_cli("top", "--json", "--count", "2", "--interval", "0.1")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [[pair["interface"] for pair in line["pairs"]] for line in lines] == [["eth0"], ["eth0"]]
    assert lines[0]["time"] < lines[1]["time"] and lines[0]["interval_s"] == 0.1
