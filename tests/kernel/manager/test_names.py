# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces with unusual names that the kernel allows, in each role, with each command."""

import json
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from netvsc_bpf.kernel.net.packet_socket import RawSender
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.names import decode, shown, writable
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.commands import PROGRAM
from tests.kernel.support.frames import GUEST_MAC, ethernet
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.scraping import try_scrape
from tests.kernel.support.waiting import eventually
from tests.unit.capture.pcapng_reader import read

STRANGE = (
    b"caf\xe9",
    b"a\x1cb",
    "a\x85b".encode(),
    b'"a\'`$"',
    b"\x1b[31m\x1b]0;b\x07",
    b"--all",
    b"a\\x1b\\",
    b"\xff\x80\x01#{}[]",
)


@dataclass(frozen=True)
class Names:
    """Who is called how."""

    synthetic: str
    vf: str
    vlan: str
    bystander: str


def named(first: int) -> Names:
    return Names(*(decode(STRANGE[(first + step) % len(STRANGE)]) for step in range(4)))


def rename(lab: Lab, names: Names) -> None:
    for old, new in (("eth0", names.synthetic), ("vf0", names.vf)):
        ip(lab, "link", "set", "dev", old, "down")
        ip(lab, "link", "set", "dev", old, "name", new)
        ip(lab, "link", "set", "dev", new, "up")
    on_top = ("link", "add", "link", names.synthetic, "name", names.vlan, "type")
    try:
        ip(lab, *on_top, "vlan", "id", "7")
    except subprocess.CalledProcessError:  # a kernel without 8021q
        ip(lab, *on_top, "macvlan")
    ip(lab, "link", "set", "dev", names.vlan, "up")
    ip(lab, "addr", "add", "10.77.0.1/24", "dev", names.vlan)
    bystander(lab, names.bystander, "other")


def bystander(lab: Lab, name: str, peer: str) -> None:
    ip(lab, "link", "add", "name", name, "type", "veth", "peer", "name", peer)
    ip(lab, "link", "set", "dev", name, "up")


def send_from(lab: Lab, name: str, frame: bytes) -> None:
    def send() -> None:
        sender = RawSender()
        sender.send(socket.if_nametoindex(name), frame)
        sender.close()

    lab.in_guest(send)


def printable(output: bytes) -> str:
    """What a terminal may be sent: text that is UTF-8, without control characters."""
    text = output.decode()
    assert all(line.isprintable() for line in text.split("\n")), text
    return text


@pytest.mark.parametrize("first", range(len(STRANGE)), ids=map(repr, STRANGE))
def test_s76_every_command_works_with_any_name(lab: Lab, first: int) -> None:
    names = named(first)
    rename(lab, names)

    def nb(*args: str, code: int = 0) -> str:
        command = [*PROGRAM, "--netns", lab.guest, *args]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        assert "Traceback" not in printable(done.stderr), done.stderr
        assert done.returncode == code, done.stderr
        return printable(done.stdout)

    nb("attach", "--vf", names.vf, "--any-bus", "--", names.synthetic)
    try:
        (pair,) = json.loads(nb("status", "--json", "--", names.synthetic))
        assert (pair["interface"], pair["vf"]["interface"]) == (writable(names.synthetic), writable(names.vf))
        assert pair["path"] == "vf"
        for text in (nb("status"), nb("top", "--once", "--interval", "0.1", "--", names.synthetic)):
            assert shown(names.synthetic) in text and shown(names.vf) in text
        assert shown(names.synthetic) in nb("doctor") and json.loads(nb("doctor", "--json"))
        label = shown(names.synthetic).replace("\\", r"\\").replace('"', r"\"")
        assert f'netvsc_bpf_vf_active{{interface="{label}"}} 1.0' in nb("metrics").split("\n")
        nb("events"), nb("events", "--json")
        capture = [
            *PROGRAM,
            "--netns",
            lab.guest,
            "capture",
            "-c",
            "1",
            "-w",
            "-",
            "--",
            names.synthetic,
            "arp",
        ]
        tapping = subprocess.Popen(capture, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert tapping.stderr is not None and tapping.stdout is not None
        assert "listening on" in printable(tapping.stderr.readline())
        send_from(lab, names.synthetic, ethernet(b"\xff" * 6, bytes(46), source=GUEST_MAC, ethertype=0x0806))
        (frame,) = read(tapping.stdout.read()).packets
        assert (tapping.wait(), frame.interface) == (0, writable(names.vf))
        tapping.stdout.close()
        tapping.stderr.close()
    finally:
        nb("detach", "--", names.synthetic)
    assert "it is not attached" in _refusal(lab, "detach", "--", names.synthetic)


def _refusal(lab: Lab, *args: str) -> str:
    command = [*PROGRAM, "--netns", lab.guest, *args]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 3
    return printable(done.stderr)


@pytest.mark.parametrize("first", range(0, len(STRANGE), 2), ids=[repr(one) for one in STRANGE[::2]])
def test_s76_the_manager_serves_any_name(lab: Lab, start: Callable[..., Manager], first: int) -> None:
    """It joins, follows, leaves, announces, and is scraped, with every strange name about."""
    names = named(first)
    rename(lab, names)
    taken = {names.synthetic, names.vf, names.vlan, names.bystander}
    for number, name in enumerate(set(map(decode, STRANGE)) - taken):
        bystander(lab, name, f"other{number}")
    manager = start(lab, "", "--metrics-listen", "127.0.0.1:9855")
    manager.wait_vf()
    found = {}

    def scraped() -> bool:
        found["scrape"] = try_scrape(lab)
        return found["scrape"] is not None

    eventually("the exporter answers", scraped)
    assert found["scrape"].value("vf_active", interface=shown(names.synthetic)) == 1
    assert found["scrape"].value("scrape_success") == 1
    ip(lab, "link", "set", "dev", names.synthetic, "mtu", "1400")
    manager.wait_event("followed", "1400")
    ip(lab, "link", "set", "dev", names.vf, "down")
    manager.wait_path(Path.SYNTHETIC, Reason.VF_DOWN)
    manager.wait_event("switched", "synthetic")
    ip(lab, "link", "set", "dev", names.vf, "up")
    manager.wait_vf()
    assert not manager.events_of("failed") and not manager.noise
    assert manager.stop() == 0
