# SPDX-License-Identifier: GPL-2.0-only
"""deploy/udev/netvsc-bpf-vf: which NICs are called VFs, on made-up machines (row 11, before udev)."""

import re
import subprocess
from pathlib import Path

import pytest

from netvsc_bpf.discovery.eligibility import PARAVIRTUAL_DRIVERS

REPO = Path(__file__).resolve().parents[3]
HELPER = REPO / "deploy/udev/netvsc-bpf-vf"
RULES = REPO / "deploy/udev/74-netvsc-bpf-vf.rules"
MAC, OTHER = "00:15:5d:01:02:03", "00:15:5d:01:02:04"


def nic(sys: Path, name: str, mac: str, driver: str | None = None, bus: str = "pci") -> None:
    """Add an interface to a made-up sysfs; without a driver it has no device, as a VLAN."""
    home = sys / "class/net" / name
    home.mkdir(parents=True)
    (home / "address").write_text(f"{mac}\n")
    if driver is not None:
        device = sys / "devices" / name
        device.mkdir(parents=True)
        (device / "driver").symlink_to(f"../../bus/{bus}/drivers/{driver}")
        (device / "subsystem").symlink_to(f"../../bus/{bus}")
        (home / "device").symlink_to(device)


def reported(sys: Path, name: str) -> dict[str, str] | None:
    """What the helper says of a NIC; None where it is no VF."""
    environment = {"NETVSC_BPF_SYSFS": str(sys), "PATH": "/usr/bin:/bin"}
    result = subprocess.run([HELPER, name], text=True, capture_output=True, check=False, env=environment)
    if result.returncode:
        assert result.stdout == ""
        return None
    return dict(line.split("=", 1) for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("synthetic", "bus", "vf"),
    [
        ("hv_netvsc", "vmbus", "mlx5_core"),
        ("hv_netvsc", "vmbus", "mana"),
        ("virtio_net", "virtio", "igbvf"),
        ("vmxnet3", "pci", "ixgbevf"),
        ("vif", "xen", "ixgbevf"),
    ],
)
def test_s11_a_pci_nic_with_the_mac_of_a_paravirtual_one_is_its_vf(
    tmp_path: Path, synthetic: str, bus: str, vf: str
) -> None:
    nic(tmp_path, "eth0", MAC, synthetic, bus)
    nic(tmp_path, "enP1s1", MAC, vf)
    nic(tmp_path, "eth0.7", MAC)
    assert reported(tmp_path, "enP1s1") == {"NETVSC_BPF_VF": "1", "NETVSC_BPF_SYNTHETIC": "eth0"}
    assert reported(tmp_path, "eth0") is None and reported(tmp_path, "eth0.7") is None


def test_s11_other_nics_stay_with_their_managers(tmp_path: Path) -> None:
    nic(tmp_path, "lo", "00:00:00:00:00:00")
    nic(tmp_path, "eth0", MAC, "virtio_net", "virtio")
    nic(tmp_path, "other", OTHER, "igb")
    nic(tmp_path, "twin", OTHER, "igb")
    nic(tmp_path, "usb", MAC, "r8152", "usb")
    nic(tmp_path, "passed-on", MAC, "virtio_net", "virtio")
    for name in ("lo", "eth0", "other", "twin", "usb", "passed-on", "not-there"):
        assert reported(tmp_path, name) is None


def test_a_vlan_with_the_vfs_mac_is_not_its_synthetic_nic(tmp_path: Path) -> None:
    nic(tmp_path, "bond0", MAC)
    nic(tmp_path, "port", MAC, "ixgbevf")
    assert reported(tmp_path, "port") is None


def test_helper_and_rules_know_the_drivers_that_pairing_knows() -> None:
    for path, pattern in ((HELPER, r"^\t([\w |]+)\) ;;$"), (RULES, r'DRIVERS=="([^"]+)"')):
        (found,) = re.findall(pattern, path.read_text(), re.MULTILINE)
        assert set(re.split(r"[ |]+", found)) == PARAVIRTUAL_DRIVERS, path
