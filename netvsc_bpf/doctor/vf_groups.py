# SPDX-License-Identifier: GPL-2.0-only
"""Does the VF's filter have room for all multicast groups?

Intel's older VFs ask their PF for the first 30 groups of their list and drop the others without an error
(igbvf_set_multi(), e1000_update_mc_addr_list_vf(); ixgbevf_update_mc_addr_list_vf()).
"""

from collections.abc import Sized

from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.model.nic import Nic

CHECK = "vf-groups"
_ROOM = {"igbvf": 30, "ixgbevf": 30}
"""Groups that a driver asks for, where it has a limit and does not report it."""


def check_groups(vf: Nic, groups: Sized) -> Finding | None:
    """Warn if the VF has more multicast groups on its list than its driver asks the PF for. Pure."""
    room = _ROOM.get(vf.driver or "")
    if room is None or len(groups) <= room:
        return None
    return warning(
        CHECK,
        f"{vf.name} has {len(groups)} multicast groups, and {vf.driver} receives {room}; the others arrive "
        "by the synthetic NIC, but not from a switch that sends them to the VF's port only (IGMP snooping)",
        "on the host: `ip link set dev PF vf N trust on`, if the driver supports all-multicast mode",
    )
