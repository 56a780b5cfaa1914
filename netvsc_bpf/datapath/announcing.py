# SPDX-License-Identifier: GPL-2.0-only
"""Announces a pair's MACs to the fabric once, where no manager does it (manager/sync/announcer.py)."""

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.net import upper_devices
from netvsc_bpf.kernel.net.announced_devices import announced_devices, stack_of
from netvsc_bpf.kernel.net.announced_stations import stations
from netvsc_bpf.kernel.net.announcement_round import announcements
from netvsc_bpf.kernel.net.membership_reports import request_reports
from netvsc_bpf.kernel.net.packet_socket import RawSender
from netvsc_bpf.kernel.process.capabilities import CAP_NET_RAW, require
from netvsc_bpf.model.errors import MissingCapability
from netvsc_bpf.model.nic import Nic


def announce(session: Session, synthetic: Nic, vf: Nic) -> None:
    """Send one round of announcements from the synthetic NIC, on the path in use, and have groups reported.

    No address is claimed. Sends nothing if the driver has enslaved the VF, because it notifies its host.
    Without CAP_NET_RAW it sends nothing and adds a warning (Tools.warnings). Raises OSError.
    """
    if vf.master == synthetic.ifindex:
        return
    try:
        require(f"cannot announce where {synthetic.name} is", CAP_NET_RAW)
    except MissingCapability as error:
        session.tools.warnings.append(f"{error.what}: {error.why}; switches learn it from the next packets")
        return
    stack = stack_of(synthetic.ifindex, upper_devices.links(session.rtnl))
    addresses = upper_devices.addresses(session.rtnl, frozenset(stack.links))
    round_ = announcements(announced_devices(stack, addresses), stations(session.rtnl, stack))
    sender = RawSender()
    try:
        for one in round_:
            sender.send(one.ifindex, one.frame)
    finally:
        sender.close()
    request_reports(stack.links.values())
