# SPDX-License-Identifier: GPL-2.0-only
"""Groups that do not fit into a VF's filter are reported."""

from dataclasses import replace

import pytest

from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.vf_groups import check_groups
from tests.unit.discovery.shapes import VIRTIO

VF = replace(VIRTIO, ifindex=3, name="vf0", driver="igbvf", bus="pci")


@pytest.mark.parametrize("driver", ["igbvf", "ixgbevf"])
def test_s83_more_groups_than_the_filter_has_room_for_are_reported(driver: str) -> None:
    found = check_groups(replace(VF, driver=driver), range(31))
    assert found is not None
    assert (found.check, found.level) == ("vf-groups", Level.WARNING)
    assert found.what.startswith(f"vf0 has 31 multicast groups, and {driver} receives 30; ")


@pytest.mark.parametrize(("driver", "groups"), [("igbvf", 30), ("mlx5_core", 1000), (None, 1000)])
def test_s83_groups_that_fit_are_not(driver: str | None, groups: int) -> None:
    assert check_groups(replace(VF, driver=driver), range(groups)) is None
