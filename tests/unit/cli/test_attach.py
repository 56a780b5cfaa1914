# SPDX-License-Identifier: GPL-2.0-only
"""What attach and detach hand down, and what they print, on stdout and on stderr."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.commands import command_line

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.datapath.attach_pair import Attached
from netvsc_bpf.discovery.refusal import Cause, Refusal
from netvsc_bpf.model.errors import AmbiguousPairing, BccMissing, CompileError, KernelError, VfInUse
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Hook, Liveness, Path, Reason, ReturnPolicy, RxMode
from netvsc_bpf.model.status import Drops, PairStatus, PathTraffic

ETH0 = Nic(2, "eth0", "00:15:5d:01:02:03", 1500, True, True, driver="hv_netvsc")
VF1 = Nic(6, "vf1", "00:15:5d:01:02:03", 1500, True, True)
DONE = Attached(
    PairStatus(
        *(ETH0, None, Path.SYNTHETIC, Reason.NO_VF, Hook.TCX, Liveness.LIVE, RxMode.REDIRECT, GuardMode.OFF),
        *(PathTraffic(), PathTraffic(), Drops(), 0, None),
    ),
    (Refusal(VF1, "it is a second VF", Cause.SECOND_VF),),
)


def test_options_are_handed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(datapath, "attach", lambda *given: seen.extend(given) or DONE)
    line = "attach eth0 --vf vf0 --any-bus --settle 250 --rx redirect --guard all --liveness live"
    assert CliRunner().invoke(command_line, line.split()).exit_code == 0
    chosen = AttachOptions("vf0", True, 250, RxMode.REDIRECT, GuardMode.ALL, Liveness.LIVE)
    assert seen[:2] == ["eth0", chosen]


@pytest.mark.parametrize("policy", list(ReturnPolicy))
def test_s100_return_policy_is_handed_down_as_a_choice(
    policy: ReturnPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(datapath, "attach", lambda *given: seen.extend(given) or DONE)
    assert CliRunner().invoke(command_line, ["attach", "eth0", "--return", policy.value]).exit_code == 0
    assert seen[:2] == ["eth0", AttachOptions(return_=policy)]
    assert seen[4] == frozenset({"return_"})


def test_without_options_defaults_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(datapath, "attach", lambda *given: seen.extend(given) or DONE)
    assert CliRunner().invoke(command_line, ["attach", "eth0"]).exit_code == 0
    assert seen[:2] == ["eth0", AttachOptions()]


def test_refused_nics_are_named_on_stderr_and_json_stays_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datapath, "attach", lambda *_: DONE)
    result = CliRunner().invoke(command_line, ["attach", "eth0", "--json"])
    assert result.stderr == "netvsc-bpf: vf1 is not used: it is a second VF\n"
    assert [pair["interface"] for pair in json.loads(result.stdout)] == ["eth0"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KernelError("cannot attach eth0", "it broke", "mend it"), 1),
        (CompileError("cannot attach eth0", "it broke", "mend it", log="a\nlong\nlog"), 1),
        (AmbiguousPairing("cannot attach eth0", "it broke", "mend it", candidates=("a", "b")), 3),
        (BccMissing("cannot attach eth0", "it broke", "mend it"), 4),
    ],
)
def test_error_is_one_line_and_its_exit_status(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attach(*_: object) -> None:
        raise error

    monkeypatch.setattr(datapath, "attach", attach)
    result = CliRunner().invoke(command_line, ["attach", "eth0"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == "netvsc-bpf: cannot attach eth0: it broke; mend it\n"


def test_verbose_shows_the_log_before_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def attach(*_: object) -> None:
        raise CompileError("cannot compile", "it broke", log="a\nlong\nlog")

    monkeypatch.setattr(datapath, "attach", attach)
    result = CliRunner().invoke(command_line, ["--verbose", "attach", "eth0"])
    assert result.stderr.splitlines() == ["a", "long", "log", "netvsc-bpf: cannot compile: it broke"]


def test_all_reports_what_it_could_and_could_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = VfInUse("cannot attach eth1", "its VF belongs to bridge br0")
    monkeypatch.setattr(datapath, "attach_all", lambda *_: ([DONE], [failed]))
    result = CliRunner().invoke(command_line, ["attach", "--all", "--json"])
    assert result.exit_code == 3
    assert len(json.loads(result.stdout)) == 1
    assert "netvsc-bpf: cannot attach eth1: its VF belongs to bridge br0" in result.stderr.splitlines()


def test_detach_all_passes_warnings_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datapath, "detach_all", lambda: (1, ["something was left"]))
    result = CliRunner().invoke(command_line, ["detach", "--all"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "netvsc-bpf: something was left\n")


@pytest.mark.parametrize(("settle", "announced"), [("3600000", True), ("100", False)])
def test_ctrl_c_while_it_waits_says_that_the_pair_stays_attached(
    settle: str, announced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attach(
        interface: str, options: AttachOptions, waits: Callable[[list[str]], None], *_: object
    ) -> None:
        waits([interface])
        raise KeyboardInterrupt

    monkeypatch.setattr(datapath, "attach", attach)
    result = CliRunner().invoke(command_line, ["attach", "eth0", "--settle", settle])
    assert result.exit_code == 130
    first, *rest = result.stderr.splitlines()
    if announced:
        assert first.startswith("netvsc-bpf: eth0: attached; waiting up to 3600 s for the VF to settle")
        (first,) = rest
    assert first == ("netvsc-bpf: eth0: stopped waiting; still attached (to detach: netvsc-bpf detach eth0)")


def test_ctrl_c_before_it_is_attached_is_just_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def attach(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(datapath, "attach", attach)
    result = CliRunner().invoke(command_line, ["attach", "eth0", "--settle", "3600000"])
    assert (result.exit_code, result.stderr) == (130, "")
