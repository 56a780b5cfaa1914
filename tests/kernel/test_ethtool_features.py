# SPDX-License-Identifier: GPL-2.0-only
"""Features as ethtool has them: compared with those that pyroute2 reads."""

import pytest
from pyroute2.ethtool.ioctl import IoctlEthtool

from netvsc_bpf.kernel.net.ethtool_features import active_features
from netvsc_bpf.lab.topology import Lab


@pytest.mark.guest
@pytest.mark.oldest
def test_active_features_are_those_that_another_library_reads(lab: Lab) -> None:
    def theirs() -> set[str]:
        ethtool = IoctlEthtool("vf0")
        try:
            features = ethtool.get_features()
            return {name for name, *_ in features if name and features.is_active(name)}
        finally:
            ethtool.close()

    ours = lab.in_guest(active_features, "vf0")
    assert ours == lab.in_guest(theirs)
    assert "tx-vlan-hw-insert" in ours  # veth has it, and cannot do without a set that is not empty


def test_missing_interface_is_an_error(lab: Lab) -> None:
    with pytest.raises(OSError, match="No such device"):
        lab.in_guest(active_features, "vf9")
