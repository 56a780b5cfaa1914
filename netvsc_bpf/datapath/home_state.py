# SPDX-License-Identifier: GPL-2.0-only
"""Whether home is enabled, by the state of its pair."""

from netvsc_bpf.kernel.bpf.abi import PairState
from netvsc_bpf.model.nic import Nic


def is_enabled(state: PairState, vf: Nic) -> bool:
    """Return whether home is enabled for this VF. The kernel ends it when a device leaves the namespace."""
    return bool(state.home_ifindex == vf.ifindex)
