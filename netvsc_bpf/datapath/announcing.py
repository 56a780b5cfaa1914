# SPDX-License-Identifier: GPL-2.0-only
"""Telling the fabric once where a pair's MACs are, where no manager does (manager/announcer.py)."""

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel import speakers
from netvsc_bpf.kernel.address_lists import unicast_list
from netvsc_bpf.kernel.announcement_round import frames
from netvsc_bpf.kernel.capabilities import CAP_NET_RAW, require
from netvsc_bpf.kernel.raw_frames import RawSender
from netvsc_bpf.model.errors import MissingCapability
from netvsc_bpf.model.nic import Nic


def announce(session: Session, synthetic: Nic, vf: Nic) -> None:
    """Send one round from the synthetic NIC, by the path that it is on.

    Not where its driver has enslaved the VF: that tells its host. Without CAP_NET_RAW it is left out, which
    is noted (Tools.left_out). Raises OSError.
    """
    if vf.master == synthetic.ifindex:
        return
    try:
        require(f"cannot announce where {synthetic.name} is", CAP_NET_RAW)
    except MissingCapability as error:
        session.tools.left_out.append(f"{error.what}: {error.why}; switches learn it from what is sent")
        return
    links = speakers.links(session.rtnl)
    heard = frozenset(speakers.tower(synthetic.ifindex, links))
    who = speakers.speakers_on(synthetic.ifindex, links, speakers.addresses(session.rtnl, heard))
    sender = RawSender()
    try:
        for ifindex, frame in frames(who, unicast_list(session.rtnl, synthetic.ifindex)):
            sender.send(ifindex, frame)
    finally:
        sender.close()
