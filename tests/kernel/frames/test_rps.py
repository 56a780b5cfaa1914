# SPDX-License-Identifier: GPL-2.0-only
"""RPS on a synthetic NIC that has fewer receive queues than its VF."""

import os
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as File

import pytest

from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.attachment import attached

FLOWS = 100
PORT = 7100
ADDRESS, PEER_ADDRESS = "10.97.0.1", "10.97.0.2"
MAC = "02:00:00:00:0b:01"
WARNED = "received packet on queue"
_SO_INCOMING_CPU = 49  # include/uapi/asm-generic/socket.h


@pytest.fixture
def queues(lab: Lab) -> Lab:
    """syn9 with two queues and vf9 with four; what the peer sends comes by vf9."""
    for name, count in (("syn9", 2), ("vf9", 4)):
        many = f"numrxqueues {count} numtxqueues {count}"
        ends = f"{name} address {MAC} {many} type veth peer name {name}p netns {lab.peer} {many}"
        lab.run(lab.guest, ["ip", "link", "add", *ends.split()])
        lab.run(lab.guest, ["ip", "link", "set", name, "up"])
        lab.run(lab.peer, ["ip", "link", "set", f"{name}p", "up"])
    lab.run(lab.guest, ["ip", "addr", "add", f"{ADDRESS}/24", "dev", "syn9"])
    lab.run(lab.peer, ["ip", "addr", "add", f"{PEER_ADDRESS}/24", "dev", "vf9p"])
    lab.run(lab.peer, ["ip", "neigh", "add", ADDRESS, "lladdr", MAC, "dev", "vf9p"])
    return lab


def spread_to(lab: Lab, cpu: int) -> None:
    """Have RPS hand everything to one CPU."""

    # A sysfs shows the NICs of the namespace that it was mounted in.
    mask = "for queue in /sys/class/net/syn9/queues/rx-*; do echo $0 > $queue/rps_cpus; done"
    lab.run(lab.guest, ["unshare", "-m", "sh", "-ec", f"mount -t sysfs s /sys; {mask}", f"{1 << cpu:x}"])


def warn_again() -> None:
    """The kernel warns once in its life, unless debugfs makes it forget."""
    forget = File("/sys/kernel/debug/clear_warn_once")
    if forget.exists():
        forget.write_text("1")


def warnings(lab: Lab) -> int:
    return lab.run(lab.guest, ["dmesg"]).stdout.count(WARNED)


@contextmanager
def on_cpu(cpu: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def listening() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((ADDRESS, PORT))
    made.settimeout(20)
    return made


def arrivals(lab: Lab, ear: socket.socket) -> Counter[int]:
    """Send a packet of each flow, from one CPU; return on which CPUs the guest took them up."""
    seen: Counter[int] = Counter()
    for number in range(FLOWS):
        with lab.in_peer(socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            mouth.bind((PEER_ADDRESS, 20_000 + number))
            ear.connect((PEER_ADDRESS, 20_000 + number))  # unconnected sockets do not learn the CPU
            mouth.sendto(b"x", (ADDRESS, PORT))
        ear.recv(64)
        seen[ear.getsockopt(socket.SOL_SOCKET, _SO_INCOMING_CPU)] += 1
    return seen


@pytest.mark.guest
@pytest.mark.oldest
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="RPS needs a second CPU to hand packets to")
def test_s92_rps_spreads_frames_of_more_queues_than_the_synthetic_nic_has(queues: Lab) -> None:
    lab, (here, there) = queues, sorted(os.sched_getaffinity(0))[:2]
    with attached(lab, "syn9", vf="vf9") as pair, lab.in_guest(listening) as ear, on_cpu(here):
        spread_to(lab, there)
        warn_again()
        before = warnings(lab)
        assert arrivals(lab, ear) == {there: FLOWS}
        assert pair.status().rx.vf.packets >= FLOWS
    assert warnings(lab) <= before, "those of others are older, and may leave the buffer meanwhile"
