# SPDX-License-Identifier: GPL-2.0-only
"""The checks of kernel, BTF, libbpf, bpffs, capabilities and lockdown on made-up machines."""

from pathlib import Path

import pytest

from netvsc_bpf.doctor.bpffs import check_bpffs
from netvsc_bpf.doctor.btf import check_btf
from netvsc_bpf.doctor.capabilities import check_capabilities
from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.kernel_version import check_kernel_version
from netvsc_bpf.doctor.libbpf import check_libbpf
from netvsc_bpf.doctor.lockdown import check_lockdown
from netvsc_bpf.kernel.process.capabilities import CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN
from netvsc_bpf.model.errors import BccMissing, BpffsUnavailable

ALL = frozenset(map(int, (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)))


@pytest.mark.parametrize(
    ("release", "level"),
    [
        ("5.15.0-94-generic", Level.OK),
        ("6.1.0-13-amd64", Level.OK),
        ("6.12.9+bpo-amd64", Level.OK),
        ("10.0", Level.OK),
        ("5.10.0-27-amd64", Level.PROBLEM),
        ("4.18.0-513.el8.x86_64", Level.PROBLEM),
        ("unheard-of", Level.WARNING),
    ],
)
def test_s67_kernel_is_judged_by_its_number(release: str, level: Level) -> None:
    finding = check_kernel_version(release)
    assert finding.level is level
    assert release in finding.what


def test_btf_is_there(tmp_path: Path) -> None:
    (tmp_path / "vmlinux").touch()
    assert check_btf(tmp_path / "vmlinux").level is Level.OK


def test_s67_missing_btf_names_the_kernel_option(tmp_path: Path) -> None:
    finding = check_btf(tmp_path / "vmlinux")
    assert finding.level is Level.PROBLEM
    assert "CONFIG_DEBUG_INFO_BTF" in (finding.remedy or "")


def test_libbpf_that_loads_is_enough() -> None:
    assert check_libbpf(lambda: object()).level is Level.OK


def test_s67_missing_libbpf_is_the_error_that_every_command_would_give() -> None:
    def load() -> object:
        raise BccMissing("cannot load libbpf.so.1", "not found", "run `apt-get install python3-bpfcc`")

    finding = check_libbpf(load)
    assert (finding.level, finding.what) == (Level.PROBLEM, "cannot load libbpf.so.1: not found")
    assert finding.remedy == "run `apt-get install python3-bpfcc`"


def test_bpffs_that_is_writable_is_enough(tmp_path: Path) -> None:
    assert check_bpffs(tmp_path, lambda root: None).level is Level.OK


def test_s67_bpffs_that_is_missing_is_the_error_that_attach_would_give(tmp_path: Path) -> None:
    def require(root: Path) -> None:
        raise BpffsUnavailable(str(root), "no bpffs is mounted there", "mount it")

    finding = check_bpffs(tmp_path, require)
    assert (finding.level, finding.remedy) == (Level.PROBLEM, "mount it")


def test_s68_bpffs_of_another_user_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    finding = check_bpffs(tmp_path, lambda root: None)
    assert finding.level is Level.PROBLEM
    assert "chown" in (finding.remedy or "")


@pytest.mark.parametrize("held", [ALL, frozenset({int(CAP_SYS_ADMIN), int(CAP_NET_ADMIN)})])
def test_s68_capabilities_are_enough_without_root(held: frozenset[int]) -> None:
    assert check_capabilities(held, initial=True).level is Level.OK


def test_s67_missing_capability_comes_with_what_it_is_for() -> None:
    finding = check_capabilities(ALL - {CAP_PERFMON}, initial=True)
    assert finding.level is Level.PROBLEM
    assert finding.what == "missing: CAP_PERFMON (detect a failed VF in the kernel)"


def test_capabilities_of_a_rootless_container_are_worth_nothing() -> None:
    finding = check_capabilities(ALL, initial=False)
    assert finding.level is Level.PROBLEM
    assert "user namespace" in finding.what


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("[none] integrity confidentiality\n", Level.OK),
        ("none [integrity] confidentiality\n", Level.OK),
        ("none integrity [confidentiality]\n", Level.WARNING),
    ],
)
def test_lockdown_matters_from_confidentiality_on(tmp_path: Path, text: str, level: Level) -> None:
    (tmp_path / "lockdown").write_text(text)
    assert check_lockdown(tmp_path / "lockdown").level is level


def test_lockdown_may_be_unknown(tmp_path: Path) -> None:
    finding = check_lockdown(tmp_path / "lockdown")
    assert finding.level is Level.OK
    assert finding.what.startswith("unknown")
