# SPDX-License-Identifier: GPL-2.0-only
"""Measures each arrangement in a guest that counts instructions: a nanosecond of its time is one of them."""

import json
import os
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench.guest import live_frames, pci_pair, pktgen, plain_pair, queues, stream
from bench.guest.arrangements import ALL, ALL_OF_PCI, MAC, Arrangement
from bench.guest.hyperv import arrangements_of_hyperv
from bench.guest.names import NET_FAILOVER
from bench.guest.queues import Queues
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


def _transmitting(queued: Queues) -> Results:
    def measure(name: str, device: str) -> float:
        with queued(device, "vf0"):
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


Measure = Callable[[str, str], float]
"""Of a VF, and of the device whose packets it carries."""
ThroughPci = Callable[[Measure], Results]


def _through_pci(measure: Measure) -> Results:
    """Measure each arrangement once its VF carries what is sent through its device."""
    pci_pair.set_up()

    def by_name(name: str, device: str) -> float:
        vf = pci_pair.PRIMARY if name == NET_FAILOVER else pci_pair.VF
        pci_pair.until_it_carries(vf, device)
        return measure(vf, device)

    return _each(by_name, ALL_OF_PCI)


def _through_hyperv(measure: Measure) -> Results:
    """Measure the same of the pair of hv_netvsc."""
    pci_pair.set_up()

    def of_its_vf(_: str, device: str) -> float:
        pci_pair.until_it_carries(pci_pair.ENSLAVED, device)
        return measure(pci_pair.ENSLAVED, device)

    with arrangements_of_hyperv() as ways:
        return _each(of_its_vf, ways)


def _transmitting_through(through: ThroughPci, queued: Queues) -> Results:
    def measure(vf: str, device: str) -> float:
        before = pci_pair.sent(vf)
        with queued(device, vf):
            took = pktgen.transmit(device, PACKETS)
        if pci_pair.sent(vf) < before + PACKETS:
            raise RuntimeError(f"{device} did not send all through {vf}")
        return took

    return through(measure)


def _receiving_through(through: ThroughPci) -> Results:
    def measure(vf: str, device: str) -> float:
        return _receive(vf, Path("/sys/class/net", vf, "address").read_text().strip(), device)

    return through(measure)


def _streaming_through(through: ThroughPci, *, gro: bool) -> Results:
    with pci_pair.heard():
        return through(lambda vf, device: _stream(device, vf, pci_pair.FAR[vf], gro=gro))


_MEASURES: dict[str, Callable[[], Results]] = {
    "tx": partial(_transmitting, queues.as_they_are),
    "tx, fq_codel": partial(_transmitting, queues.fq_codel),
    "rx": _receiving,
    "tcp, GRO on": partial(_streaming, gro=True),
    "tcp, GRO off": partial(_streaming, gro=False),
    "tx, e1000e": partial(_transmitting_through, _through_pci, queues.as_they_are),
    "tx, e1000e, fq_codel": partial(_transmitting_through, _through_pci, queues.fq_codel),
    "rx, e1000e": partial(_receiving_through, _through_pci),
    "tcp, e1000e, GRO on": partial(_streaming_through, _through_pci, gro=True),
    "tcp, e1000e, GRO off": partial(_streaming_through, _through_pci, gro=False),
    "tx, hv_netvsc": partial(_transmitting_through, _through_hyperv, queues.none_above),
    "tx, hv_netvsc, fq_codel": partial(_transmitting_through, _through_hyperv, queues.by_default),
    "rx, hv_netvsc": partial(_receiving_through, _through_hyperv),
    "tcp, hv_netvsc, GRO on": partial(_streaming_through, _through_hyperv, gro=True),
}
WAYS = tuple(_MEASURES)


if __name__ == "__main__":
    main()
