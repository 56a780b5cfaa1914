# SPDX-License-Identifier: GPL-2.0-only
"""Reads the driver-specific statistics of an interface, as `ethtool -S` does."""

import errno
import socket
import struct

from netvsc_bpf.kernel.net import ethtool_ioctl

_GET_STATISTICS = 0x1D


def statistics(name: str) -> dict[str, int]:
    """Return a driver's own statistics by name; none if it has none.

    Raises OSError: ENODEV if there is no such device.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            words = ethtool_ioctl.strings(handle, name, "statistics")
            question = struct.pack("=II", _GET_STATISTICS, len(words))
            numbers = ethtool_ioctl.ask(handle, name, question, 8 * len(words))
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                return {}
            raise
    return dict(zip(words, struct.unpack(f"={len(words)}Q", numbers), strict=True))
