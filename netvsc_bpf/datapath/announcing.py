# SPDX-License-Identifier: GPL-2.0-only
"""Announces a pair's MACs to the fabric once, where no manager does it (manager/sync/announcer.py)."""

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.net import upper_devices
from netvsc_bpf.kernel.net.address_lists import unicast_list
from netvsc_bpf.kernel.net.announcement_round import frames
from netvsc_bpf.kernel.net.membership_reports import request_reports
from netvsc_bpf.kernel.net.packet_socket import RawSender
from netvsc_bpf.kernel.process.capabilities import CAP_NET_RAW, require
from netvsc_bpf.model.errors import MissingCapability
from netvsc_bpf.model.nic import Nic


def announce(session: Session, synthetic: Nic, vf: Nic) -> None:
    """Send one round of announcements from the synthetic NIC, on the path in use, and have groups reported.

    Sends nothing if the driver has enslaved the VF, because it notifies its host. Without CAP_NET_RAW it
    sends nothing and adds a warning (Tools.warnings). Raises OSError.
    """
    if vf.master == synthetic.ifindex:
        return
    try:
        require(f"cannot announce where {synthetic.name} is", CAP_NET_RAW)
    except MissingCapability as error:
        session.tools.warnings.append(f"{error.what}: {error.why}; switches learn it from the next packets")
        return
    links = upper_devices.links(session.rtnl)
    wanted = frozenset(upper_devices.with_upper_devices(synthetic.ifindex, links))
    addresses = upper_devices.addresses(session.rtnl, wanted)
    announced = upper_devices.addressed_links(synthetic.ifindex, links, addresses)
    sender = RawSender()
    try:
        for ifindex, frame in frames(announced, unicast_list(session.rtnl, synthetic.ifindex)):
            sender.send(ifindex, frame)
    finally:
        sender.close()
    request_reports([links[one] for one in wanted])
