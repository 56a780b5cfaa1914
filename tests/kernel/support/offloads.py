# SPDX-License-Identifier: GPL-2.0-only
"""Receive offloads of the lab's interfaces, read and set as an operator does."""

from netvsc_bpf.kernel.net.ethtool_features import OffloadReader
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.receive_offload import FeatureState, ReceiveOffload


def offload(lab: Lab, interface: str, which: ReceiveOffload) -> FeatureState:
    """One receive offload of an interface of the guest."""
    ifindex = lab.ifindex(lab.guest, interface)
    return lab.in_guest(OffloadReader(), ifindex)[which]


def ethtool(lab: Lab, interface: str, **values: str) -> None:
    """Run `ethtool -K` in the guest; underscores stand for hyphens."""
    words = [word for name, value in values.items() for word in (name.replace("_", "-"), value)]
    lab.run(lab.guest, ["ethtool", "-K", interface, *words])
