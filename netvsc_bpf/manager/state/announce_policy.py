# SPDX-License-Identifier: GPL-2.0-only
"""How, and how often, a fabric is told of a change of path: what is configured, and its defaults."""

from dataclasses import dataclass
from typing import Annotated

from netvsc_bpf.kernel.net.announcement_round import MOST
from netvsc_bpf.model.setting import Setting


@dataclass(frozen=True, slots=True)
class AnnouncePolicy:
    """How a fabric that learns by MAC is told of a change of path.

    A frame may be lost, and a switch that has just lost a port may learn late: hence repeats, as bonding's
    num_grat_arp and QEMU's announce-rounds. `after_s` are their times after the change; two rounds of one
    pair are never closer than `gap_s`, however often its path changes.
    """

    enabled: Annotated[bool, Setting("Announce at all; takes CAP_NET_RAW.")] = True
    after_s: Annotated[
        tuple[float, ...], Setting("When to announce, in seconds after a change of path.", least=0, most=60)
    ] = (0.0, 0.25, 1.0)
    gap_s: Annotated[
        float, Setting("Seconds between two rounds of one pair at least.", least=0.01, most=60)
    ] = 0.2
    # Which is generous: a switch needs one frame for each MAC, and neighbours know the MAC already.
    most: Annotated[int, Setting("Addresses told for each interface in a round.", least=1, most=4096)] = MOST
