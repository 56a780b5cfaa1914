# SPDX-License-Identifier: GPL-2.0-only
"""What drivers say of themselves, compared with ethtool's own words."""

import subprocess

import pytest

from netvsc_bpf.kernel.net.ethtool_statistics import statistics
from netvsc_bpf.lab.topology import Lab


def test_statistics_are_those_that_ethtool_prints(lab: Lab) -> None:
    shown = subprocess.run(
        ["ip", "netns", "exec", lab.guest, "ethtool", "-S", "eth0"],
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    names = [line.partition(":")[0].strip() for line in shown.splitlines()[1:]]
    ours = lab.in_guest(statistics, "eth0")
    assert names and set(ours) == set(names)
    assert all(number >= 0 for number in ours.values())


def test_interface_without_statistics_has_none_and_one_that_is_gone_is_an_error(lab: Lab) -> None:
    assert lab.in_guest(statistics, "lo") == {}
    with pytest.raises(OSError, match="No such device"):
        lab.in_guest(statistics, "gone0")
