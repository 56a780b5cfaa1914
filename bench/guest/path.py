# SPDX-License-Identifier: GPL-2.0-only
"""Measures each arrangement in a guest that counts instructions: a nanosecond of its time is one of them."""

import json
import os
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.guest import live_frames, pci_pair, pktgen, plain_pair, stream
from bench.guest.arrangements import ALL, ALL_OF_PCI, MAC, Arrangement
from bench.guest.names import NET_FAILOVER
from bench.guest.shell import sh

ROUNDS = 3
PACKETS = 100_000
FRAMES = 4_000_000
_QUIET_S = 2.0
"""What kernel and daemons put off when the arrangement before was taken down is done by then."""
_ADDRESS, _FAR_ADDRESS = "10.99.0.1", "10.99.0.2"

Results = dict[str, list[float]]


def main() -> None:
    """Measure the ways that the environment's WAYS names; write the figures to the file that is named."""
    wanted = json.loads(os.environ["WAYS"])
    # In their own order whatever was asked for: the last ones take the names of the others' devices.
    found = {way: measure() for way, measure in _MEASURES.items() if way in wanted}
    # At the end alone: the file says that every way was measured.
    Path(sys.argv[1]).write_text(json.dumps(found))


def _each(measure: Callable[[str, str], float], ways: Mapping[str, Arrangement] = ALL) -> Results:
    """Measure the arrangements in turn, some rounds of all of them."""
    found: Results = defaultdict(list)
    for _ in range(ROUNDS):
        for name, arrangement in ways.items():
            with arrangement() as device:
                time.sleep(_QUIET_S)
                found[name].append(measure(name, device))
                print(f"{name}: {found[name][-1]:.2f}", flush=True)
    return found


@contextmanager
def _queues(device: str, vf: str, *, qdisc: bool) -> Iterator[None]:
    """Have a queue where a packet passes: at the device itself, and at the VF that it hands it to."""
    passed = {device, vf} if qdisc else set()
    for one in passed:
        sh(f"tc qdisc replace dev {one} root fq_codel")
    try:
        yield
    finally:
        for one in passed:
            sh(f"tc qdisc del dev {one} root")


def _transmitting(*, qdisc: bool) -> Results:
    def measure(name: str, device: str) -> float:
        with _queues(device, "vf0", qdisc=qdisc):
            return pktgen.transmit(device, PACKETS)

    with plain_pair.dummies():
        return _each(measure)


def _receiving() -> Results:
    with plain_pair.dummies():
        return _each(lambda name, device: _receive("vf0", MAC, device))


def _receive(vf: str, mac: str, device: str) -> float:
    """Let frames arrive on the VF until the device that they end at has consumed them."""
    sh(f"ip link set {device} arp off")
    try:
        return live_frames.receive(socket.if_nametoindex(vf), live_frames.frame(mac), FRAMES)
    finally:
        sh(f"ip link set {device} arp on")


def _stream(device: str, vf: str, far: str, *, gro: bool) -> float:
    sh(f"ethtool -K {vf} gro {'on' if gro else 'off'}")
    ends = (f"ip addr {{}} {_ADDRESS}/24 dev {device}", f"ip -n far addr {{}} {_FAR_ADDRESS}/24 dev {far}")
    sh(*(end.format("add") for end in ends))
    try:
        return stream.receive(_ADDRESS)
    finally:
        sh(*(end.format("del") for end in ends))


def _streaming(*, gro: bool) -> Results:
    with plain_pair.wired():
        return _each(lambda name, device: _stream(device, "vf0", plain_pair.FAR, gro=gro))


def _through_pci(measure: Callable[[str, str], float]) -> Results:
    """Measure by VF and device, once the first carries what is sent through the second."""
    pci_pair.set_up()

    def by_name(name: str, device: str) -> float:
        vf = pci_pair.PRIMARY if name == NET_FAILOVER else pci_pair.VF
        pci_pair.until_it_carries(vf, device)
        return measure(vf, device)

    return _each(by_name, ALL_OF_PCI)


def _transmitting_through_pci(*, qdisc: bool) -> Results:
    def measure(vf: str, device: str) -> float:
        before = pci_pair.sent(vf)
        with _queues(device, vf, qdisc=qdisc):
            took = pktgen.transmit(device, PACKETS)
        if pci_pair.sent(vf) < before + PACKETS:
            raise RuntimeError(f"{device} did not send all through {vf}")
        return took

    return _through_pci(measure)


def _receiving_through_pci() -> Results:
    def measure(vf: str, device: str) -> float:
        return _receive(vf, Path("/sys/class/net", vf, "address").read_text().strip(), device)

    return _through_pci(measure)


def _streaming_through_pci(*, gro: bool) -> Results:
    with pci_pair.heard():
        return _through_pci(lambda vf, device: _stream(device, vf, pci_pair.FAR[vf], gro=gro))


_MEASURES: dict[str, Callable[[], Results]] = {
    "tx": partial(_transmitting, qdisc=False),
    "tx, fq_codel": partial(_transmitting, qdisc=True),
    "rx": _receiving,
    "tcp, GRO on": partial(_streaming, gro=True),
    "tcp, GRO off": partial(_streaming, gro=False),
    "tx, e1000e": partial(_transmitting_through_pci, qdisc=False),
    "tx, e1000e, fq_codel": partial(_transmitting_through_pci, qdisc=True),
    "rx, e1000e": _receiving_through_pci,
    "tcp, e1000e, GRO on": partial(_streaming_through_pci, gro=True),
    "tcp, e1000e, GRO off": partial(_streaming_through_pci, gro=False),
}
WAYS = tuple(_MEASURES)


if __name__ == "__main__":
    main()
