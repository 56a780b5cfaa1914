# SPDX-License-Identifier: GPL-2.0-only
"""A VF with more queues than the synthetic NIC: a packet takes the queue that the VF would have chosen."""

import json
import socket

import pytest
from pyroute2.ethtool.ioctl import IoctlEthtool

from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.attachment import attached

FLOWS = 64


def give_queues(lab: Lab, interface: str, number: int) -> None:
    def set_channels() -> int:
        ethtool = IoctlEthtool(interface)
        try:
            channels = ethtool.get_channels()
            if channels.max_tx < number or channels.max_rx < number:
                return int(min(channels.max_tx, channels.max_rx))
            channels.tx_count = channels.rx_count = number
            ethtool.set_channels(channels)
            return number
        finally:
            ethtool.close()

    have = lab.in_guest(set_channels)
    if have < number:
        pytest.skip(f"{interface} can have no more than {have} queues here")


def sent_by_queue(lab: Lab, interface: str) -> dict[str, int]:
    """Packets of each queue, by its qdisc; clsact, which home may need, is not on a queue."""
    shown = json.loads(lab.run(lab.guest, ["tc", "-s", "-j", "qdisc", "show", "dev", interface]).stdout)
    return {one["parent"]: one["packets"] for one in shown if one.get("parent", "").startswith("7:")}


@pytest.mark.guest
@pytest.mark.newest
def test_s41_all_queues_of_the_vf_are_used_where_the_synthetic_nic_has_one(lab: Lab) -> None:
    give_queues(lab, "vf0", 2)
    lab.run(lab.guest, ["tc", "qdisc", "add", "dev", "vf0", "root", "handle", "7:", "mq"])
    with attached(lab) as pair:
        pair.wait_used()
        before = sent_by_queue(lab, "vf0")
        assert len(before) == 2
        lab.run(lab.guest, ["ping", "-c", "1", "-W", "20", "10.99.0.2"])
        for _ in range(FLOWS):
            with lab.in_guest(socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as flow:
                for _ in range(4):
                    flow.sendto(b"here", ("10.99.0.2", 9))
        after = sent_by_queue(lab, "vf0")
    used = {queue: after[queue] - before[queue] for queue in before}
    assert sum(used.values()) >= 4 * FLOWS
    assert min(used.values()) >= FLOWS, used
