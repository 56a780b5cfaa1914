# SPDX-License-Identifier: GPL-2.0-only
"""Which features of an interface are on: `ethtool -k`, by ioctl. Layouts: include/uapi/linux/ethtool.h.

pyroute2 can do it too, but brings all of itself into a manager that else has no need of it.
"""

import array
import errno
import fcntl
import socket
import struct

from netvsc_bpf.model import names

_SIOCETHTOOL = 0x8946
_GET_SET_INFO, _GET_STRINGS, _GET_FEATURES = 0x37, 0x1B, 0x3A
_FEATURE_NAMES = 4  # ETH_SS_FEATURES
_NAME = 32  # ETH_GSTRING_LEN
_BLOCK = 32  # bits: available, requested, active, never changed
_HEAD = struct.Struct("=III")


def active_features(name: str) -> frozenset[str]:
    """Return the names of the features that are on. Raises OSError: ENODEV where there is no such device."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            count = _count(handle, name)
            strings = _ask(handle, name, _HEAD.pack(_GET_STRINGS, _FEATURE_NAMES, count), count * _NAME)
            blocks = -(-count // _BLOCK)
            bits = _ask(handle, name, struct.pack("=II", _GET_FEATURES, blocks), blocks * 16)
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                return frozenset()
            raise
    words = [strings[at : at + _NAME].rstrip(b"\0").decode() for at in range(0, count * _NAME, _NAME)]
    active = [block[2] for block in struct.iter_unpack("=4I", bits)]
    return frozenset(
        one for bit, one in enumerate(words) if one and active[bit // _BLOCK] >> bit % _BLOCK & 1
    )


def _count(handle: socket.socket, name: str) -> int:
    question = struct.pack("=IIQ", _GET_SET_INFO, 0, 1 << _FEATURE_NAMES)
    return int(struct.unpack("=I", _ask(handle, name, question, 4))[0])


def _ask(handle: socket.socket, name: str, question: bytes, answer: int) -> bytes:
    """Return the `answer` bytes that the kernel puts behind the question."""
    buffer = array.array("B", question + bytes(answer))
    request = struct.pack("@16sP16x", names.encode(name), buffer.buffer_info()[0])  # struct ifreq
    fcntl.ioctl(handle, _SIOCETHTOOL, request)
    return buffer.tobytes()[len(question) :]
