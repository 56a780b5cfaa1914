# SPDX-License-Identifier: GPL-2.0-only
"""What is sent to groups arrives once, although a true VF filters.

igbvf asks its PF for 30 groups and no more (e1000_update_mc_addr_list_vf()). The hub hands every frame to the
synthetic NIC too, and guard drops what the VF has delivered.
"""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.doctor.vf_groups import check_groups
from netvsc_bpf.kernel.net.address_lists import multicast_lists
from netvsc_bpf.lab.namespace import call_in
from netvsc_bpf.model.path import GuardMode, Path
from tests.kernel.fabrics.members import group_mac
from tests.kernel.support.frames import Tap
from tests.kernel.support.waiting import eventually
from tests.vm.sriov import ADDRESS, GUEST, PEER, PEER_ADDRESS, SYNTHETIC, SriovPair, ip

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]
GROUPS = [f"239.7.7.{1 + number}" for number in range(40)]
MOST = 20
"""Memberships of one socket (net.ipv4.igmp_max_memberships)."""
PORT, ROUNDS = 7007, 3
AT_ONCE = 4
"""Guard compares frames by 512 entries: in a long burst some would be overwritten before the copy comes."""
GUEST_V6, PEER_V6 = "fd98::77", "fd98::2"
SOLICITED_NODE = bytes.fromhex("3333ff000077")
"""The MAC of the group at which GUEST_V6 is looked for (RFC 4291, 2.7.1; RFC 2464, 7)."""


def joined(groups: list[str], port: int) -> socket.socket:
    """A socket of the guest that is a member of groups; it also receives what others have joined."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    made.bind(("", port))
    for group in groups:
        member = socket.inet_aton(group) + socket.inet_aton(ADDRESS)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    return made


def sender() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(PEER_ADDRESS))
    return made


def listened_to(ifindex: int) -> set[bytes]:
    """The groups on the list of an interface."""
    return {one.mac for one in multicast_lists([ifindex])[ifindex]}


def test_s83_groups_beyond_the_filter_of_the_vf_arrive_once_and_it_is_said(sriov: SriovPair) -> None:
    vf = sriov.plug()
    with ExitStack() as undo:
        receiver = undo.enter_context(joined(GROUPS[:MOST], PORT))
        undo.enter_context(joined(GROUPS[MOST:], PORT + 1))
        sriov.attach(guard=GuardMode.EVIDENCE)
        sriov.wait_for(Path.VF)
        undo.enter_context(interrupts_on_one_cpu())
        macs = {group_mac(group) for group in GROUPS}
        assert macs <= listened_to(vf.ifindex)
        said = check_groups(vf, listened_to(vf.ifindex))
        assert said is not None and "igbvf receives 30" in said.what

        by_vf = undo.enter_context(Tap(GUEST, vf.name))
        dropped = sriov.status().drops.rx_duplicate
        peer = undo.enter_context(call_in(PEER, sender))
        received: Counter[bytes] = Counter()
        for number in range(ROUNDS):
            sent = [f"{group} in round {number};".encode() for group in GROUPS]
            for first in range(0, len(GROUPS), AT_ONCE):
                burst = sent[first : first + AT_ONCE]
                for group, payload in zip(GROUPS[first:], burst, strict=False):
                    peer.sendto(payload, (group, PORT))
                everything = set(received) | set(burst)
                eventually("each has arrived", partial(has_arrived, receiver, received, everything))
        copies = [frame.data for frame in by_vf.seen(b" in round ")]

        def accounted() -> int:
            """Copies that were dropped, or delivered although they are copies."""
            twice = sum(drained(receiver, received).values()) - len(received)
            return copies_dropped(sriov, dropped) + twice

        eventually("the copies have arrived", lambda: accounted() >= len(copies))
        assert set(drained(receiver, received).values()) == {1}
        assert len(received) == ROUNDS * len(GROUPS)
        let_in = {frame[:6] for frame in copies} & macs
        assert 0 < len(let_in) <= 30, "the VF has a filter"


def has_arrived(receiver: socket.socket, received: "Counter[bytes]", everything: set[bytes]) -> bool:
    return everything <= set(drained(receiver, received))


@contextmanager
def interrupts_on_one_cpu() -> Iterator[None]:
    """Have both NICs served by one CPU, so that copies of a frame are not apart by the pauses of another.

    The host may stop an emulated CPU for longer than the 100 ms for which guard waits for a copy.
    """
    before: dict[FilePath, str] = {}
    for file in FilePath("/proc/irq").glob("[0-9]*/smp_affinity_list"):
        cpus = file.read_text()
        with suppress(OSError):  # some interrupts cannot be moved
            file.write_text("0")
            before[file] = cpus
    try:
        yield
    finally:
        for file, cpus in before.items():
            with suppress(OSError):  # it may be gone
                file.write_text(cpus)


def drained(receiver: socket.socket, received: "Counter[bytes]") -> "Counter[bytes]":
    """Count what has arrived until now."""
    while True:
        try:
            received[receiver.recv(256)] += 1
        except BlockingIOError:
            return received


def copies_dropped(pair: SriovPair, before: int) -> int:
    return pair.status().drops.rx_duplicate - before


def test_s82_ipv6_address_added_with_no_manager_is_found_by_neighbour_discovery(sriov: SriovPair) -> None:
    vf = sriov.plug()
    sriov.attach(guard=GuardMode.EVIDENCE)
    sriov.wait_for(Path.VF)
    sriov.on_peer("ip", "addr", "add", f"{PEER_V6}/64", "dev", sriov.peer_name(), "nodad")
    ip("addr", "add", f"{GUEST_V6}/64", "dev", SYNTHETIC, "nodad")
    with Tap(GUEST, SYNTHETIC) as guest, Tap(PEER, sriov.peer_name()) as peer:

        def solicited() -> tuple[int, int]:
            """How many solicitations the peer has sent, and how many the guest has received."""
            sent, heard = peer.seen(SOLICITED_NODE), guest.seen(SOLICITED_NODE)
            return sum(one.outgoing for one in sent), sum(not one.outgoing for one in heard)

        eventually("it answers", lambda: "1 received" in asked(sriov))
        eventually("each has arrived once", lambda: solicited()[0] == solicited()[1] > 0)
        assert SOLICITED_NODE not in listened_to(vf.ifindex), "the VF was not asked to receive it"


def asked(pair: SriovPair) -> str:
    """What ping prints when the peer asks the guest for its IPv6 address."""
    return pair.on_peer("sh", "-c", f"ping -6 -n -c 1 -W 5 {GUEST_V6} || true")
