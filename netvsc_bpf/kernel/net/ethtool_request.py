# SPDX-License-Identifier: GPL-2.0-only
"""Requests features of an interface, as `ethtool -K` does."""

import socket
import struct
from collections.abc import Iterable

from netvsc_bpf.kernel.net import ethtool_ioctl

_SET_FEATURES = 0x3B
_BLOCK = 32  # bits: valid, requested


def switch_on(name: str, features: Iterable[str]) -> None:
    """Request features by the kernel's names. Raises OSError: ENODEV if there is no such device.

    It succeeds also if the kernel or the driver does not grant them now (LRO while packets are forwarded);
    the kernel keeps the request (wanted_features in struct net_device).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        words = ethtool_ioctl.strings(handle, name, "features")
        blocks = [0] * -(-len(words) // _BLOCK)
        for place in map(words.index, features):
            blocks[place // _BLOCK] |= 1 << place % _BLOCK
        request = b"".join(struct.pack("=II", bits, bits) for bits in blocks)
        ethtool_ioctl.ask(handle, name, struct.pack("=II", _SET_FEATURES, len(blocks)) + request, 0)
