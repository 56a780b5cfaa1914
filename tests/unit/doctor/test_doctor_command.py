# SPDX-License-Identifier: GPL-2.0-only
"""What `netvsc-bpf doctor` prints and how it exits."""

import json

import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.doctor import doctor

from netvsc_bpf.doctor import examine
from netvsc_bpf.doctor.finding import Finding, ok, problem, warning

FIT = [ok("kernel", "6.12.9"), warning("vf-mtu", "vf0 has [1500]", "`ip link set dev vf0 mtu 9000`")]
UNFIT = [
    *FIT,
    problem("bpffs", "/sys/fs/bpf: no bpffs is mounted there", "run `mount -t bpf bpf /sys/fs/bpf`"),
]


def run(monkeypatch: pytest.MonkeyPatch, findings: list[Finding], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(examine, "examine", lambda: findings)
    result = CliRunner().invoke(doctor, arguments)
    return result.exit_code, result.output


def test_warnings_leave_the_machine_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = run(monkeypatch, FIT)
    assert status == 0
    assert output.splitlines() == [
        "ok      kernel: 6.12.9",
        "warning vf-mtu: vf0 has [1500] -> `ip link set dev vf0 mtu 9000`",
    ]


def test_problem_ends_with_status_4(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = run(monkeypatch, UNFIT)
    assert status == 4
    assert "problem bpffs: /sys/fs/bpf: no bpffs is mounted there -> run `mount -t bpf" in output


def test_json_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = run(monkeypatch, UNFIT, "--json")
    shown = json.loads(output)
    assert (status, shown["fit"]) == (4, False)
    assert [one["level"] for one in shown["findings"]] == ["ok", "warning", "problem"]
    assert shown["findings"][1] == {
        "check": "vf-mtu",
        "level": "warning",
        "what": "vf0 has [1500]",
        "remedy": "`ip link set dev vf0 mtu 9000`",
    }
