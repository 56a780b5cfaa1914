# SPDX-License-Identifier: GPL-2.0-only
"""Measures each arrangement in a guest that counts instructions: a nanosecond of its time is one of them."""

import json
import socket
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.guest import live_frames, pktgen, stream
from bench.guest.arrangements import ALL, MAC
from bench.guest.shell import sh

ROUNDS = 3
PACKETS = 100_000
FRAMES = 1_000_000
STREAM_BYTES = 48 << 20
_FRAME = bytes.fromhex(MAC.replace(":", "")) + bytes.fromhex("020000000001 88b5") + bytes(46)
"""To the pair's MAC, of a protocol that nobody listens to: the stack drops it after delivery."""
_ADDRESS = "10.99.0.1"

Results = dict[str, list[float]]


def main() -> None:
    """Measure, and write the figures to the file that the command line names."""
    found: dict[str, Results] = {"tx": _transmitting(qdisc=False), "tx, fq_codel": _transmitting(qdisc=True)}
    found["rx"] = _receiving()
    for on in (True, False):
        found[f"tcp, GRO {'on' if on else 'off'}"] = _streaming(gro=on)
    Path(sys.argv[1]).write_text(json.dumps(found))


@contextmanager
def _dummies() -> Iterator[None]:
    for device in ("eth0", "vf0"):
        sh(f"ip link add {device} address {MAC} type dummy", f"ip link set {device} up")
    try:
        yield
    finally:
        sh("ip link del eth0", "ip link del vf0")


@contextmanager
def _wired() -> Iterator[None]:
    """Both are wired to a namespace, which sends by the wire of `vf0` only."""
    sh("ip netns add far")
    for device, end in (("eth0", "far1"), ("vf0", "far0")):
        sh(f"ip link add {device} address {MAC} type veth peer name {end} netns far")
        sh(f"ip link set {device} up", f"ip -n far link set {end} up")
    sh("ip -n far addr add 10.99.0.2/24 dev far0")
    sh("ip netns exec far ethtool -K far0 tso off gso off")
    try:
        yield
    finally:
        sh("ip link del vf0", "ip link del eth0", "ip netns del far")


def _each(measure: Callable[[str, str], float]) -> Results:
    """Measure the arrangements in turn, some rounds of all of them."""
    found: Results = defaultdict(list)
    for _ in range(ROUNDS):
        for name, arrangement in ALL.items():
            with arrangement() as device:
                found[name].append(measure(name, device))
                print(f"{name}: {found[name][-1]:.2f}", flush=True)
    return found


def _transmitting(*, qdisc: bool) -> Results:
    def measure(name: str, device: str) -> float:
        # Those that a packet passes: the device itself, and where that hands it on, the VF.
        for one in {device, "vf0"} if qdisc else ():
            sh(f"tc qdisc replace dev {one} root fq_codel")
        try:
            return pktgen.transmit(device, PACKETS)
        finally:
            for one in {device, "vf0"} if qdisc else ():
                sh(f"tc qdisc del dev {one} root")

    with _dummies():
        return _each(measure)


def _receiving() -> Results:
    with _dummies():
        return _each(lambda name, device: live_frames.receive(socket.if_nametoindex("vf0"), _FRAME, FRAMES))


def _streaming(*, gro: bool) -> Results:
    def measure(name: str, device: str) -> float:
        sh(f"ethtool -K vf0 gro {'on' if gro else 'off'}")
        sh(f"ip addr add {_ADDRESS}/24 dev {device}", "ip -n far neigh flush dev far0")
        try:
            return stream.receive(_ADDRESS, STREAM_BYTES)
        finally:
            sh(f"ip addr del {_ADDRESS}/24 dev {device}")

    with _wired():
        return _each(measure)


if __name__ == "__main__":
    main()
