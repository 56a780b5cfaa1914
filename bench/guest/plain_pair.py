# SPDX-License-Identifier: GPL-2.0-only
"""A pair without hardware, `eth0` and `vf0`: what is measured is what is done around them."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.guest.arrangements import MAC
from bench.guest.shell import sh

FAR = "far0"
"""Who hears the VF of a wired pair: a device of the namespace `far`."""


@contextmanager
def dummies() -> Iterator[None]:
    """What is sent through either is dropped there."""
    for device in ("eth0", "vf0"):
        sh(f"ip link add {device} address {MAC} type dummy", f"ip link set {device} up")
    try:
        yield
    finally:
        sh("ip link del eth0", "ip link del vf0")


@contextmanager
def wired() -> Iterator[None]:
    """Both are wired to a namespace, which sends by the wire of `vf0` only."""
    sh("ip netns add far")
    for device, end in (("eth0", "far1"), ("vf0", FAR)):
        sh(f"ip link add {device} address {MAC} type veth peer name {end} netns far")
        sh(f"ip link set {device} up", f"ip -n far link set {end} up")
    sh(f"ip netns exec far ethtool -K {FAR} tso off")
    try:
        yield
    finally:
        sh("ip link del vf0", "ip link del eth0", "ip netns del far")
