# SPDX-License-Identifier: GPL-2.0-only
"""Mounted, not mounted, hidden, read-only: each with its own remedy."""

from pathlib import Path

import pytest

from netvsc_bpf.kernel.bpf.bpffs import require_bpffs
from netvsc_bpf.model.errors import BpffsUnavailable

ROOT = Path("/sys/fs/bpf")
# Captured on 6.18: the boot's mounts, and what `ip netns exec guest` makes of them.
BOOT = """23 27 0:22 / /sys rw,relatime - sysfs sysfs rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
"""
BPFFS = "44 23 0:37 / /sys/fs/bpf rw,relatime - bpf bpf rw\n"
NETNS_EXEC = """45 44 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
48 45 0:39 / /sys rw,relatime - sysfs guest rw
"""


@pytest.fixture
def named(tmp_path: Path) -> Path:
    folder = tmp_path / "netns"
    folder.mkdir()
    (folder / "guest").touch()
    return folder


def check(tmp_path: Path, named: Path, text: str) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(text)
    require_bpffs(ROOT, mountinfo, named)


def test_mounted_bpffs_is_enough(tmp_path: Path, named: Path) -> None:
    check(tmp_path, named, BOOT + BPFFS)


def test_s67_bpffs_that_is_not_mounted_comes_with_the_mount_command(tmp_path: Path, named: Path) -> None:
    with pytest.raises(BpffsUnavailable, match=r"run `mount -t bpf bpf /sys/fs/bpf`$"):
        check(tmp_path, named, BOOT)


def test_s67_bpffs_hidden_by_ip_netns_exec_comes_with_the_option(tmp_path: Path, named: Path) -> None:
    with pytest.raises(BpffsUnavailable, match=r"run it from outside with --netns guest$"):
        check(tmp_path, named, NETNS_EXEC)


def test_s67_bpffs_below_a_hidden_sys_is_hidden_too(tmp_path: Path, named: Path) -> None:
    with pytest.raises(BpffsUnavailable, match=r"--netns guest$"):
        check(tmp_path, named, BOOT + BPFFS + "60 27 0:40 / /sys rw - sysfs guest rw\n")


def test_s67_other_file_system_in_its_place_is_not_bpffs(tmp_path: Path, named: Path) -> None:
    with pytest.raises(BpffsUnavailable, match="no bpffs is mounted there"):
        check(tmp_path, named, BOOT + BPFFS.replace("- bpf bpf", "- tmpfs tmpfs"))


def test_s67_read_only_bpffs_is_refused(tmp_path: Path, named: Path) -> None:
    with pytest.raises(BpffsUnavailable, match="remount,rw"):
        check(tmp_path, named, BOOT + BPFFS.replace("rw,relatime", "ro,relatime"))


def test_bpffs_mounted_inside_ip_netns_exec_is_taken_as_it_is(tmp_path: Path, named: Path) -> None:
    check(tmp_path, named, NETNS_EXEC + "49 48 0:41 / /sys/fs/bpf rw - bpf bpf rw\n")
