# SPDX-License-Identifier: GPL-2.0-only
"""The generic netlink family "netdev" (Linux 6.3). Constants: include/uapi/linux/netdev.h."""

import struct
import sys

from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink, attribute

HEADER = struct.Struct("=BBH")
"""struct genlmsghdr: command, version, reserved."""
_CTRL, _GETFAMILY = 0x10, 3  # GENL_ID_CTRL, CTRL_CMD_GETFAMILY (include/uapi/linux/genetlink.h)
_FAMILY_ID, _FAMILY_NAME = 1, 2


def number(generic: Rtnetlink) -> int:
    """Return the family's number on this kernel. Raises OSError: ENOENT if the kernel does not have it."""
    request = HEADER.pack(_GETFAMILY, 1, 0) + attribute(_FAMILY_NAME, b"netdev\0")
    answer = generic.ask(_CTRL, request)
    return int.from_bytes(answer.attributes(HEADER.size)[_FAMILY_ID], sys.byteorder)
