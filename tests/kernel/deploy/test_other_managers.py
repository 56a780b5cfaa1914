# SPDX-License-Identifier: GPL-2.0-only
"""deploy/udev and deploy/NetworkManager by the word of the tools that read them; no machine boots here."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab

REPO = Path(__file__).resolve().parents[3]
RULES = REPO / "deploy/udev/74-netvsc-bpf-vf.rules"


def tool(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return found


def test_s11_udev_reads_the_rules_without_complaint(lab: Lab, tmp_path: Path) -> None:
    udevadm = tool("udevadm", "udev")
    # A /run of its own, which this machine's udev never sees; a rule with a mistake shows that it looks.
    script = (
        "mount -t tmpfs run /run; mkdir -p /run/udev/rules.d; cp $1 /run/udev/rules.d;"
        'echo \'ACTION=="add", NONSENSE="1"\' >/run/udev/rules.d/99-nonsense.rules;'
        f"exec {udevadm} test --action=change /sys/class/net/vf0"
    )
    script = f"mount -t sysfs sysfs /sys; {script}"
    command = ["unshare", "--mount", "sh", "-ec", script, "sh", str(RULES)]
    result = subprocess.run(command_in(lab.guest, command), text=True, capture_output=True, check=False)
    said = (result.stdout + result.stderr).splitlines()
    complaints = [line for line in said if re.search(r"\.rules:\d+", line)]
    assert [line for line in complaints if "99-nonsense" in line], said
    assert [line for line in complaints if RULES.name in line] == []


def test_s38_vlan_devices_of_a_vf_stay_unmanaged(lab: Lab) -> None:
    udevadm = tool("udevadm", "udev")
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "name", "nvb5.100"])  # the name is all that udev goes by
    try:
        script = (
            "mount -t sysfs sysfs /sys; mount -t tmpfs run /run; mkdir -p /run/udev/rules.d;"
            f"cp $1 /run/udev/rules.d; exec {udevadm} test --action=add /sys/class/net/nvb5.100"
        )
        command = ["unshare", "--mount", "sh", "-ec", script, "sh", str(RULES)]
        result = subprocess.run(command_in(lab.guest, command), text=True, capture_output=True, check=False)
        said = result.stdout + result.stderr
        assert re.search(r"^NM_UNMANAGED=1$", said, re.MULTILINE), said
    finally:
        lab.run(lab.guest, ["ip", "link", "set", "nvb5.100", "name", "vf0"])


def test_s11_network_manager_takes_the_file_for_what_it_says(tmp_path: Path) -> None:
    program = tool("NetworkManager", "network-manager")
    folder = tmp_path / "conf.d"
    folder.mkdir()
    shutil.copy(REPO / "deploy/NetworkManager/netvsc-bpf-azure.conf", folder)
    main = tmp_path / "NetworkManager.conf"
    main.write_text("[keyfile]\nunmanaged-devices=interface-name:before\n")
    command = [program, "--print-config", f"--config={main}", f"--config-dir={folder}"]
    command += [f"--system-config-dir={tmp_path / 'none'}", f"--intern-config={tmp_path / 'intern'}"]
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    assert result.returncode == 0, result
    devices = re.search(r"^unmanaged-devices=(.*)$", result.stdout, re.MULTILINE)
    assert devices is not None, result.stdout
    assert set(re.split(r"[;,]", devices.group(1))) >= {"interface-name:before", "interface-name:enP*"}
