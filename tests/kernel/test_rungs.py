# SPDX-License-Identifier: GPL-2.0-only
"""The rung of liveness: the best that this kernel allows is used, and each does what it promises."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Liveness


def _status(cli: Callable[..., Any]) -> dict[str, Any]:
    result = cli("status", "eth0", "--json")
    assert result.returncode == 0, result.stderr
    state: dict[str, Any] = json.loads(result.stdout)[0]
    return state


def _attach(cli: Callable[..., Any], *options: str) -> dict[str, Any]:
    result = cli("attach", "eth0", "--vf", "vf0", "--json", *options)
    assert result.returncode == 0, result.stderr
    state: dict[str, Any] = json.loads(result.stdout)[0]
    return state


@pytest.mark.guest
@pytest.mark.every
def test_the_expected_hook_and_rung_are_used(netvsc_bpf_cli: Callable[..., Any]) -> None:
    state = _attach(netvsc_bpf_cli)
    print(f"hook {state['hook']}, liveness {state['liveness']}, driver {state['vf']['driver']}")
    assert (state["path"], state["reason"]) == ("vf", "armed")
    assert state["hook"] == os.environ.get("NETVSC_BPF_EXPECT_HOOK", state["hook"])
    assert state["liveness"] == os.environ.get("NETVSC_BPF_EXPECT_LIVENESS", state["liveness"])
    # What no machine may fall to by itself: there the failover would need a process.
    assert state["liveness"] in (Liveness.FENTRY, Liveness.LIVE)


@pytest.mark.guest
@pytest.mark.every
@pytest.mark.parametrize(
    ("leave", "reason"),
    [(Lab.vf_down, "vf-down"), (lambda lab: lab.vf_carrier(False), "no-carrier")],
    ids=["down", "carrier"],
)
def test_s19_the_sentinel_disarms_before_any_packet(
    lab: Lab, netvsc_bpf_cli: Callable[..., Any], leave: Callable[[Lab], None], reason: str
) -> None:
    if _attach(netvsc_bpf_cli)["liveness"] != Liveness.FENTRY:
        pytest.skip("this kernel refuses fentry programs: the rung `live` sees the VF die at the next packet")
    before = _status(netvsc_bpf_cli)
    leave(lab)
    after = _status(netvsc_bpf_cli)
    assert (after["path"], after["reason"]) == ("synthetic", reason)
    assert after["path_changes"] == before["path_changes"] + 1


@pytest.mark.parametrize("liveness", ["live", "netlink"])
def test_a_rung_can_be_forced(netvsc_bpf_cli: Callable[..., Any], liveness: str) -> None:
    state = _attach(netvsc_bpf_cli, "--liveness", liveness)
    assert (state["liveness"], state["path"]) == (liveness, "vf")


@pytest.mark.guest
@pytest.mark.every
def test_s71_the_kernel_alone_returns_after_the_settle_time(
    lab: Lab, netvsc_bpf_cli: Callable[..., Any]
) -> None:
    _attach(netvsc_bpf_cli)
    lab.vf_down()
    lab.run(lab.guest, ["ping", "-c", "1", "-W", "5", "10.99.0.2"])
    assert _status(netvsc_bpf_cli)["reason"] == "vf-down"
    lab.vf_up()
    deadline = time.monotonic() + 30
    while _status(netvsc_bpf_cli)["path"] != "vf" and time.monotonic() < deadline:
        lab.run(lab.guest, ["ping", "-c", "1", "-W", "5", "10.99.0.2"])
    assert _status(netvsc_bpf_cli)["path"] == "vf"
