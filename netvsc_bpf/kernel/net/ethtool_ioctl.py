# SPDX-License-Identifier: GPL-2.0-only
"""The ethtool ioctl: queries about one interface. Layouts: include/uapi/linux/ethtool.h.

pyroute2 can do this too, but importing it would cost the manager memory that it does not need otherwise.
"""

import array
import fcntl
import socket
import struct

from netvsc_bpf.model import names

_SIOCETHTOOL = 0x8946
_GET_SET_INFO, _GET_STRINGS = 0x37, 0x1B
_NAME = 32  # ETH_GSTRING_LEN
_HEAD = struct.Struct("=III")
SETS = {"statistics": 1, "features": 4}
"""enum ethtool_stringset: ETH_SS_STATS, ETH_SS_FEATURES."""


def ask(handle: socket.socket, name: str, question: bytes, answer: int) -> bytes:
    """Return the `answer` bytes that the kernel writes after the question. Raises OSError."""
    buffer = array.array("B", question + bytes(answer))
    request = struct.pack("@16sP16x", names.encode(name), buffer.buffer_info()[0])  # struct ifreq
    fcntl.ioctl(handle, _SIOCETHTOOL, request)
    return buffer.tobytes()[len(question) :]


def strings(handle: socket.socket, name: str, which: str) -> list[str]:
    """Return the names of a string set (SETS) in order; unused ones are empty. Raises OSError."""
    question = struct.pack("=IIQ", _GET_SET_INFO, 0, 1 << SETS[which])
    count = int(struct.unpack("=I", ask(handle, name, question, 4))[0])
    packed = ask(handle, name, _HEAD.pack(_GET_STRINGS, SETS[which], count), count * _NAME)
    return [
        packed[at : at + _NAME].partition(b"\0")[0].decode(errors="replace")
        for at in range(0, count * _NAME, _NAME)
    ]
