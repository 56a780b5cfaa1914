# SPDX-License-Identifier: GPL-2.0-only
"""The files in examples/ are what they claim to be: configurations load, YAML parses, the program runs."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.config.load import load
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.errors import NotAttached
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Hook, Liveness, Reason, RxMode
from netvsc_bpf.model.path import Path as Way
from netvsc_bpf.model.status import Drops, PairStatus, PathTraffic, Traffic
from tests.module_at import module_at

REPO = Path(__file__).resolve().parents[2]
EXAMPLES = REPO / "examples"
ETH0 = Nic(2, "eth0", "00:15:5d:01:02:03", 1500, True, True, driver="virtio_net")


def yaml_of(path: Path) -> Any:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: make setup installs it")
    return yaml.safe_load(path.read_text())


def pair(path: Way, reason: Reason) -> PairStatus:
    return PairStatus(
        synthetic=ETH0,
        vf=Nic(3, "vf0", ETH0.mac, 1500, True, True),
        path=path,
        reason=reason,
        hook=Hook.TCX,
        liveness=Liveness.FENTRY,
        rx_mode=RxMode.REDIRECT,
        guard=GuardMode.OFF,
        tx=PathTraffic(Traffic(3, 300), Traffic(1, 100)),
        rx=PathTraffic(),
        drops=Drops(),
        path_changes=1,
        last_change=None,
    )


def test_every_example_is_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    there = {path.name for path in EXAMPLES.iterdir() if not path.name.startswith(("__", "README"))}
    assert [name for name in sorted(there) if f"]({name}" not in listed] == []


def test_the_minimal_configuration_changes_one_thing() -> None:
    config = load(EXAMPLES / "minimal.toml")
    assert config == ManagerConfig(interfaces=("eth0",))


def test_the_full_configuration_loads_and_has_every_section() -> None:
    path = EXAMPLES / "full.toml"
    config = load(path)
    assert config.interfaces == ("eth0", "eth1")
    assert config.per_interface["eth1"].options.guard is GuardMode.ALL
    reference = tomllib.loads((REPO / "deploy/netvsc-bpf.toml").read_text())
    assert set(tomllib.loads(path.read_text())) == {*reference, "interface"}


def test_the_password_in_the_full_configuration_is_the_one_it_names() -> None:
    bcrypt = pytest.importorskip("bcrypt")
    ((_, hashed),) = load(EXAMPLES / "full.toml").metrics.users
    assert bcrypt.checkpw(b"change-me", hashed.encode())


def test_cloud_init_starts_the_manager_with_a_configuration_that_loads(tmp_path: Path) -> None:
    path = EXAMPLES / "cloud-init.yaml"
    assert path.read_text().startswith("#cloud-config\n")
    data = yaml_of(path)
    assert "python3-bpfcc" in data["packages"]
    (written,) = data["write_files"]
    (file := tmp_path / "netvsc-bpf.toml").write_text(written["content"])
    assert load(file).interfaces == ("eth0",)
    assert data["runcmd"].index("systemctl enable --now netvsc-bpf") > data["runcmd"].index(
        "systemd-sysusers"
    )


def test_cloud_init_with_the_package_configures_what_the_package_brings(tmp_path: Path) -> None:
    data = yaml_of(EXAMPLES / "cloud-init-package.yaml")
    assert data["packages"] == ["netvsc-bpf"]
    (written,) = data["write_files"]
    assert written["defer"], "before the package its file would be in the way"
    (file := tmp_path / "netvsc-bpf.toml").write_text(written["content"])
    assert load(file).interfaces == ("eth0",)
    assert data["runcmd"][0] == "systemctl enable --now netvsc-bpf"


def test_cloud_init_installs_files_that_exist() -> None:
    sources = re.findall(r"/opt/netvsc-bpf-source/(deploy/\S+)", (EXAMPLES / "cloud-init.yaml").read_text())
    assert len(sources) >= 4
    assert [source for source in sources if not (REPO / source).exists()] == []


def test_network_configuration_matches_the_synthetic_nic_alone() -> None:
    data = yaml_of(EXAMPLES / "network-config.yaml")
    assert data["version"] == 2
    (nic,) = data["ethernets"].values()
    assert set(nic["match"]) == {"driver"}, "a MAC would match the VF too"


def test_prometheus_has_the_job_and_the_rules_of_deploy() -> None:
    data = yaml_of(EXAMPLES / "monitoring/prometheus.yml")
    (job,) = data["scrape_configs"]
    assert job["job_name"] == "netvsc-bpf"
    assert [name for name in data["rule_files"] if not (REPO / "deploy/prometheus" / name).exists()] == []
    assert job["basic_auth"]["username"] == load(EXAMPLES / "full.toml").metrics.users[0][0]


def test_the_program_drains_runs_and_undrains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []
    looks = iter([[pair(Way.VF, Reason.ARMED)], [pair(Way.SYNTHETIC, Reason.SETTLING)]])
    monkeypatch.setattr(datapath, "status", lambda interface: next(looks))
    monkeypatch.setattr(datapath, "drain", lambda *asked: calls.append(f"drain {asked[0]}") or [])
    monkeypatch.setattr(datapath, "undrain", lambda interface, _: calls.append(f"undrain {interface}") or [])
    assert module_at(EXAMPLES / "drain_around.py").main(["eth0", "--", "sh", "-c", "exit 3"]) == 3
    assert calls == ["drain eth0", "undrain eth0"]
    printed = capsys.readouterr()
    assert "eth0: path vf (armed), VF vf0, 75% of packets sent by the VF" in printed.out
    assert "does not use its VF yet: settling" in printed.err


def test_the_program_reports_errors_as_the_command_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(interface: str) -> list[PairStatus]:
        raise NotAttached("cannot drain eth0", "it is not attached", "run `netvsc-bpf attach eth0`")

    monkeypatch.setattr(datapath, "status", refuse)
    assert module_at(EXAMPLES / "drain_around.py").main(["eth0", "--", "true"]) == NotAttached.exit_code
    assert "cannot drain eth0: it is not attached; run `netvsc-bpf attach eth0`" in capsys.readouterr().err
    assert module_at(EXAMPLES / "drain_around.py").main(["eth0"]) == 2
