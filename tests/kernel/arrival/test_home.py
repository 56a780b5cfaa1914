# SPDX-License-Identifier: GPL-2.0-only
"""Frames received by the VF appear as received by the synthetic NIC everywhere."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.support.attachment import Attachment, attached

PORT = 7000
DATAGRAMS = 10

RULES = f"""
table inet count {{
	chain in {{
		type filter hook input priority 0; policy accept;
		iif "eth0" udp dport {PORT} counter comment "synthetic"
		iifname "vf0" counter comment "vf"
	}}
}}
"""


@pytest.fixture
def pair(lab: Lab) -> Iterator[Attachment]:
    with attached(lab) as made:
        assert made.path is Path.VF
        # The switch learns that the guest is behind its VF, so that answers come by it.
        lab.run(lab.guest, ["ping", "-c", "1", "-W", "20", "10.99.0.2"])
        yield made


def bound_socket(device: str | None) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if device is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    made.bind(("", PORT))
    made.settimeout(20)
    return made


def arrive_by_the_vf(pair: Attachment, device: str | None = None) -> int:
    """Let the peer speak to a socket of the guest, and return how many datagrams it got."""
    lab, before = pair.lab, pair.status().rx.vf.packets
    with ExitStack() as sockets:
        ear = sockets.enter_context(lab.in_guest(bound_socket, device))
        mouth = sockets.enter_context(lab.in_peer(socket.socket, socket.AF_INET, socket.SOCK_DGRAM))
        for number in range(DATAGRAMS):
            mouth.sendto(str(number).encode(), ("10.99.0.1", PORT))
        heard = {ear.recv(64) for _ in range(DATAGRAMS)}
    assert pair.status().rx.vf.packets >= before + DATAGRAMS
    return len(heard)


@pytest.mark.guest
def test_s43_socket_bound_to_the_synthetic_nic_receives_frames_of_the_vf(pair: Attachment) -> None:
    assert arrive_by_the_vf(pair, "eth0") == DATAGRAMS


def test_s43_firewall_sees_it_on_the_synthetic_nic(lab: Lab, pair: Attachment) -> None:
    lab.run(lab.guest, ["nft", RULES])
    arrive_by_the_vf(pair)
    listed: dict[str, Any] = json.loads(lab.run(lab.guest, ["nft", "-j", "list", "ruleset"]).stdout)
    rules = [item["rule"] for item in listed["nftables"] if "rule" in item]
    counted = {
        rule["comment"]: part["counter"]["packets"]
        for rule in rules
        for part in rule["expr"]
        if "counter" in part
    }
    assert counted == {"synthetic": DATAGRAMS, "vf": 0}


def test_s43_strict_reverse_path_filter_lets_it_pass(lab: Lab, pair: Attachment) -> None:
    for name in ("all", "eth0", "vf0"):
        lab.in_guest(wiring.write_sysctl, f"ipv4/conf/{name}/rp_filter", 1)
    assert arrive_by_the_vf(pair) == DATAGRAMS


def test_s43_connection_from_outside_arrives_on_the_synthetic_nic(lab: Lab, pair: Attachment) -> None:
    def listen() -> socket.socket:
        made = socket.create_server(("10.99.0.1", PORT))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        made.settimeout(20)
        return made

    call: Callable[..., socket.socket] = socket.create_connection
    before = pair.status().rx.vf.packets
    with lab.in_guest(listen) as server, lab.in_peer(call, ("10.99.0.1", PORT), 20) as client:
        client.sendall(b"hello")
        accepted, _ = server.accept()
        with accepted:
            accepted.settimeout(20)
            assert accepted.recv(16) == b"hello"
    assert pair.status().rx.vf.packets > before
