# SPDX-License-Identifier: GPL-2.0-only
"""What the contenders of `make bench-failover-guest` are called, on both sides of the guest's wall."""

OURS = "ours, manager killed"
"""Nobody in userspace: the one that the limits are for."""
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
)
