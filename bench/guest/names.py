# SPDX-License-Identifier: GPL-2.0-only
"""What the contenders of `make bench-failover-guest` are called, on both sides of the guest's wall."""

OURS = "ours, manager killed"
"""Without a userspace process: the limits are for this one."""
OURS_RUNNING = "ours, manager running"
OURS_STOPPED = "ours, manager stopped"
OURS_LIVE = "ours, rung live, manager killed"
OURS_NETLINK = "ours, rung netlink, manager running"
BONDING = "bonding, miimon 100"
BONDING_TUNED = "bonding, miimon 10, tuned"
TEAM = "team"
NET_FAILOVER = "net_failover"
MIRRED = "mirred"
BARE = "bare VF"
HV_NETVSC = "hv_netvsc"
"""The driver by itself; `make bench-path` calls it so, too."""
ON_HV_NETVSC = "ours on hv_netvsc, manager killed"
ON_HV_NETVSC_RUNNING = "ours on hv_netvsc, manager running"

CONTENDERS = (
    OURS,
    BONDING,
    TEAM,
    NET_FAILOVER,
    OURS_LIVE,
    OURS_RUNNING,
    OURS_STOPPED,
    OURS_NETLINK,
    BONDING_TUNED,
    MIRRED,
    BARE,
    HV_NETVSC,
    ON_HV_NETVSC,
    ON_HV_NETVSC_RUNNING,
)
OF_HYPERV = (HV_NETVSC, ON_HV_NETVSC, ON_HV_NETVSC_RUNNING)
"""Those whose synthetic NIC is hv_netvsc's, with the test host; the others use virtio-net."""
