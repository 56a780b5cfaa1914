# SPDX-License-Identifier: GPL-2.0-only
"""Which mount a path is on, where mounts hide each other."""

from pathlib import PurePath

import pytest

from netvsc_bpf.kernel.process.mounts import mount_of, parse_mountinfo

BPF = PurePath("/sys/fs/bpf")


def on(path: PurePath, *lines: str) -> str | None:
    mount = mount_of(path, parse_mountinfo("\n".join(lines).encode()))
    return None if mount is None else mount.source


def test_line_is_split_around_its_optional_fields() -> None:
    (mount,) = parse_mountinfo(b"31 23 0:28 / /sys/fs/bpf rw,nosuid shared:9 master:1 - bpf none rw,mode=700")
    assert (mount.id, mount.parent, mount.point) == (31, 23, BPF)
    assert (mount.type, mount.source, mount.options) == ("bpf", "none", {"rw", "nosuid"})


def test_octal_escapes_are_undone() -> None:
    (mount,) = parse_mountinfo(rb"31 23 0:28 / /a\040b\134c rw - tmpfs my\040disk rw")
    assert (mount.point, mount.source) == (PurePath("/a b\\c"), "my disk")


def test_deepest_mount_on_the_way_wins() -> None:
    root, sys, bpf = (
        "1 0 8:1 / / rw - ext4 root rw",
        "2 1 0:2 / /sys rw - sysfs sysfs rw",
        "3 2 0:3 / /sys/fs/bpf rw - bpf bpf rw",
    )
    assert on(BPF, root, sys, bpf) == "bpf"
    assert on(BPF / "x", root, sys, bpf) == "bpf"
    assert on(PurePath("/sys/fs"), root, sys, bpf) == "sysfs"
    assert on(PurePath("/etc"), root, sys, bpf) == "root"


def test_later_mount_hides_what_is_below_the_earlier_one() -> None:
    assert (
        on(
            BPF,
            "1 0 8:1 / / rw - ext4 root rw",
            "2 1 0:2 / /sys rw - sysfs sysfs rw",
            "3 2 0:3 / /sys/fs/bpf rw - bpf bpf rw",
            "4 2 0:4 / /sys rw - sysfs ns1 rw",
        )
        == "ns1"
    )


@pytest.mark.parametrize("reverse", [False, True])
def test_root_upon_a_rootfs_that_is_its_own_parent(reverse: bool) -> None:
    lines = ["1 1 0:2 / / rw - rootfs rootfs rw", "20 1 8:1 / / rw - ext4 root rw"]
    assert on(PurePath("/etc"), *(reversed(lines) if reverse else lines)) == "root"


def test_chroot_whose_root_is_no_mount_point() -> None:
    assert on(BPF, "3 2 0:3 / /sys/fs/bpf rw - bpf bpf rw") == "bpf"
    assert on(PurePath("/etc"), "3 2 0:3 / /sys/fs/bpf rw - bpf bpf rw") is None
