# SPDX-License-Identifier: GPL-2.0-only
"""How and when path changes are announced to switches: settings and their defaults."""

from dataclasses import dataclass
from typing import Annotated

from netvsc_bpf.kernel.net.announcement_round import MOST
from netvsc_bpf.model.setting import Setting


@dataclass(frozen=True, slots=True)
class AnnouncePolicy:
    """How path changes are announced to switches that learn MAC addresses.

    A frame may be lost, and a switch that has just lost a port may learn late, so announcements are repeated,
    as with bonding's num_grat_arp and QEMU's announce-rounds. `after_s` are the times of the rounds after the
    change; two rounds of one pair are at least `gap_s` apart, however often its path changes.
    """

    enabled: Annotated[bool, Setting("Send announcements; needs CAP_NET_RAW.")] = True
    after_s: Annotated[
        tuple[float, ...], Setting("When to announce, in seconds after a path change.", least=0, most=60)
    ] = (0.0, 0.25, 1.0)
    gap_s: Annotated[
        float, Setting("Minimum time between two rounds of one pair, in seconds.", least=0.01, most=60)
    ] = 0.2
    # Generous: for the guests behind a bridge on a large host.
    most: Annotated[
        int, Setting("Maximum number of MACs announced per interface and round.", least=1, most=4096)
    ] = MOST
    memberships: Annotated[
        bool,
        Setting(
            "Also have the members of multicast groups report again (IGMP, MLD), for switches that snoop."
        ),
    ] = True
    addresses: Annotated[
        bool,
        Setting(
            "Announce IP addresses too (ARP announcement, neighbour advertisement), at most `most` per "
            "interface: for fabrics that do not learn from RARP. Wrong if another machine answers for one."
        ),
    ] = False
