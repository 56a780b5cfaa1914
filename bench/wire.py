# SPDX-License-Identifier: GPL-2.0-only
"""A wire that delivers what it took.

A veth throws away what its far end, while it is being closed, will not take any more (netif_rx() looks at
START), and only an RCU grace period later does the near end lose its carrier (veth_close()). What is on a
NIC's wire meanwhile is on its way. With NAPI on the far end frames go through a ring that is emptied until
the carrier is off: veth_xmit() uses it where the far end has GRO and the near end has no TSO
(veth_skb_is_eligible_for_gro(); Linux 5.13 and later).
"""

from netvsc_bpf.lab.topology import Lab


def deliver_what_was_taken(lab: Lab) -> None:
    """Make the cable of the first VF such a wire; one that is plugged in anew needs it anew."""
    pair = lab.plan.pair(0)
    lab.run(lab.guest, ["ethtool", "-K", pair.vf, "tso", "off"])
    lab.run(lab.fabric, ["ethtool", "-K", pair.vf_port, "gro", "on"])
