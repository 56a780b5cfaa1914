# SPDX-License-Identifier: GPL-2.0-only
"""Which interfaces concern the pairs."""

from netvsc_bpf.discovery.known import KnownPair
from netvsc_bpf.kernel.net.link_event_filter import Identity
from netvsc_bpf.manager.state.relevant_interfaces import interest
from netvsc_bpf.model.nic import Nic

MAC, OTHER = "00:15:5d:01:02:03", "02:00:00:00:00:01"
ETH0 = Nic(2, "eth0", MAC, 1500, True, True, master=9)
NICS = [
    ETH0,
    Nic(3, "vf0", MAC, 1500, True, True),
    Nic(4, "macvlan", OTHER, 1500, True, True, link=2),
    Nic(5, "vlan", OTHER, 1500, True, True, link=4),
    Nic(6, "vf1", "02:00:00:00:00:02", 1500, True, True),
    Nic(7, "other", OTHER, 1500, True, True, link=8),
    Nic(8, "tun", "", 1500, True, True),
    Nic(9, "bridge", MAC.replace("03", "04"), 1500, True, True),
    Nic(10, "port", OTHER, 1500, True, True, master=9),
    Nic(11, "on the bridge", OTHER, 1500, True, True, link=9),
]


def test_halves_what_stands_on_them_and_their_masters() -> None:
    found = interest(NICS, [ETH0], [KnownPair(2, vf=6), KnownPair(99)], ["eth0", "caf\udce9"])
    assert found.members == {2, 3, 4, 5, 6, 9, 11, 99}
    assert found.names == {b"eth0", b"caf\xe9"}
    assert found.macs == {bytes.fromhex("00155d010203")}
    assert found.seen[10] == Identity(b"port", bytes.fromhex("020000000001"), 9)
    assert set(found.seen) == set(range(2, 12))
