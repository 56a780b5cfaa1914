# SPDX-License-Identifier: GPL-2.0-only
"""Telling the fabric once where a pair's MACs are, where no manager does (manager/sync/announcer.py)."""

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.net import upper_devices
from netvsc_bpf.kernel.net.address_lists import unicast_list
from netvsc_bpf.kernel.net.announcement_round import frames
from netvsc_bpf.kernel.net.packet_socket import RawSender
from netvsc_bpf.kernel.process.capabilities import CAP_NET_RAW, require
from netvsc_bpf.model.errors import MissingCapability
from netvsc_bpf.model.nic import Nic


def announce(session: Session, synthetic: Nic, vf: Nic) -> None:
    """Send one round from the synthetic NIC, by the path that it is on.

    Not where its driver has enslaved the VF: that tells its host. Without CAP_NET_RAW it is left out, which
    is noted (Tools.warnings). Raises OSError.
    """
    if vf.master == synthetic.ifindex:
        return
    try:
        require(f"cannot announce where {synthetic.name} is", CAP_NET_RAW)
    except MissingCapability as error:
        session.tools.warnings.append(f"{error.what}: {error.why}; switches learn it from what is sent")
        return
    links = upper_devices.links(session.rtnl)
    heard = frozenset(upper_devices.with_upper_devices(synthetic.ifindex, links))
    who = upper_devices.addressed_links(
        synthetic.ifindex, links, upper_devices.addresses(session.rtnl, heard)
    )
    sender = RawSender()
    try:
        for ifindex, frame in frames(who, unicast_list(session.rtnl, synthetic.ifindex)):
            sender.send(ifindex, frame)
    finally:
        sender.close()
