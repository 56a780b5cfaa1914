# SPDX-License-Identifier: GPL-2.0-only
"""Reads the features of an interface that are on, as `ethtool -k` does."""

import errno
import socket
import struct

from netvsc_bpf.kernel.net import ethtool_ioctl

_GET_FEATURES = 0x3A
_BLOCK = 32  # bits: available, requested, active, never changed


def active_features(name: str) -> frozenset[str]:
    """Return the names of the features that are on. Raises OSError: ENODEV if there is no such device."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            words = ethtool_ioctl.strings(handle, name, "features")
            blocks = -(-len(words) // _BLOCK)
            bits = ethtool_ioctl.ask(handle, name, struct.pack("=II", _GET_FEATURES, blocks), blocks * 16)
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                return frozenset()
            raise
    active = [block[2] for block in struct.iter_unpack("=4I", bits)]
    return frozenset(
        one for bit, one in enumerate(words) if one and active[bit // _BLOCK] >> bit % _BLOCK & 1
    )
