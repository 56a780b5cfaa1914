# SPDX-License-Identifier: GPL-2.0-only
"""What the state of a pair says of home."""

from netvsc_bpf.kernel.bpf.abi import PairState
from netvsc_bpf.model.nic import Nic


def takes_from(state: PairState, vf: Nic) -> bool:
    """Tell whether home takes this VF's frames: the kernel ends that when a device leaves the namespace."""
    return bool(state.home_ifindex == vf.ifindex)
