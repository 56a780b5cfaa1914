# SPDX-License-Identifier: GPL-2.0-only
"""deploy/systemd: the unit by the word of systemd's own tools, and started by a systemd in a lab."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab

REPO = Path(__file__).resolve().parents[3]
UNIT = REPO / "deploy/systemd/netvsc-bpf.service"
SYSTEMD = Path("/lib/systemd/systemd")
EXPOSURE = 2.4
"""By systemd 252, as deploy/README.md has it; other versions judge a little differently."""
CONFIG = """\
[manager]
interfaces = ["eth0"]

[attach]
any_bus = true
settle_ms = 20
"""


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: systemd)")
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there."""
    path = tmp_path / UNIT.name
    program = Path(sys.executable).with_name("netvsc-bpf")
    path.write_text(UNIT.read_text().replace("/opt/netvsc-bpf/bin/netvsc-bpf", str(program)))
    return path


def test_systemd_finds_nothing_to_complain_about(unit: Path) -> None:
    command = [tool("systemd-analyze"), "verify", "--recursive-errors=no", "--man=no", str(unit)]
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_its_exposure_is_what_the_documentation_says(unit: Path) -> None:
    command = [tool("systemd-analyze"), "security", "--offline=yes", "--no-pager", str(unit)]
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    found = re.search(r"Overall exposure level for netvsc-bpf.service: ([0-9.]+)", result.stdout)
    assert found is not None, result
    assert float(found.group(1)) <= EXPOSURE, result.stdout
    assert f"exposure {EXPOSURE}" in (REPO / "deploy/README.md").read_text()


def test_the_user_is_one_that_sysusers_makes(tmp_path: Path) -> None:
    folder = tmp_path / "etc/sysusers.d"
    folder.mkdir(parents=True)
    shutil.copy(REPO / "deploy/sysusers.d/netvsc-bpf.conf", folder)
    command = [tool("systemd-sysusers"), "--root", str(tmp_path)]
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    assert result.returncode == 0, result
    (user,) = (tmp_path / "etc/passwd").read_text().splitlines()
    assert user.startswith("netvsc-bpf:") and user.endswith("nologin")


@pytest.fixture
def share(lab: Lab, tmp_path: Path) -> Path:
    """What a systemd that started the unit in the guest left: one file for each step of inside.sh."""
    if not SYSTEMD.exists():
        pytest.skip(f"{SYSTEMD} is not installed (Debian: systemd)")
    folder = tmp_path / "share"
    folder.mkdir()
    (folder / "netvsc-bpf.toml").write_text(CONFIG)
    unshare = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child"]
    script = [str(Path(__file__).with_name("container.sh")), str(REPO), str(tmp_path)]
    log = tmp_path / "console"
    with log.open("w") as console:
        subprocess.run(
            command_in(lab.guest, [*unshare, *script]),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            check=False,
        )
    assert (folder / "journal").exists(), log.read_text()[-4000:]
    return folder


def test_s68_systemd_starts_reloads_and_stops_the_unit_as_its_own_user(share: Path) -> None:
    def left(step: str) -> str:
        return (share / step).read_text()

    journal = left("journal")
    assert left("start") == "status 0\n", journal
    assert {line.split()[0] for line in left("pins").splitlines()} == {"netvsc-bpf", "status"}
    process = dict(line.split(":", 1) for line in left("process").splitlines() if ":" in line)
    capabilities = 1 << 39 | 1 << 38 | 1 << 12 | 1 << 13  # BPF, PERFMON, NET_ADMIN, NET_RAW
    for kind in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(process[kind], 16) == capabilities, kind
    assert "0" not in process["Uid"].split()
    assert (process["NoNewPrivs"].strip(), process["Seccomp"].strip()) == ("1", "2")

    (pair,) = json.loads(left("status").removesuffix("status 0\n"))
    assert (pair["path"], pair["vf"]["interface"], left("ipv6")) == ("vf", "vf0", "1\nstatus 0\n")

    assert left("reload-bad") == left("reload-good") == "status 0\n"
    refused = "settle_ms must be at least 10, not 5; the previous configuration stays"
    assert f"/etc/netvsc-bpf/netvsc-bpf.toml:6: {refused}" in journal
    assert "attach.settle_ms 50 instead of 20" in journal and "permitted: vf0, settle time 50 ms" in journal

    assert left("stop") == "status 0\n"
    (pair,) = json.loads(left("after").removesuffix("status 0\n"))
    assert pair["path"] == "vf"  # the data path stays
    assert left("start-bad").endswith("status 1\n") and left("restarts") == "0\nstatus 0\n"
    assert "/etc/netvsc-bpf/netvsc-bpf.toml:7: invalid TOML" in journal
    assert left("detach") == "status 0\n" and left("left") == "/sys/fs/bpf/netvsc-bpf\nstatus 0\n"
    assert "unexpected error" not in journal and "failed" not in journal

    # Row 11: the same file configured eth0.
    assert "ADMIN_STATE=unmanaged" in left("networkd-vf0").splitlines()
    addresses = left("addresses")
    assert re.search(r"eth0 +inet 10\.77\.0\.1/24", addresses) and "vf0" not in addresses, addresses
