# SPDX-License-Identifier: GPL-2.0-only
"""Prints each gain and loss of a link's carrier, with CLOCK_MONOTONIC: JSON lines.

Runs in the guest, where nothing of this project can be imported.
"""

import json
import socket
import struct
import time

RTMGRP_LINK, RTM_NEWLINK, RTM_DELLINK = 1, 16, 17
IFF_LOWER_UP = 1 << 16
HEADER, LINK = struct.Struct("=IHHII"), struct.Struct("=BxHiII")  # nlmsghdr, ifinfomsg

watch = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
watch.bind((0, RTMGRP_LINK))
up: dict[int, bool] = {}
while True:
    messages, now = watch.recv(1 << 16), time.monotonic_ns()
    while messages:
        length, kind, *_ = HEADER.unpack_from(messages)
        _, _, ifindex, flags, _ = LINK.unpack_from(messages, HEADER.size)
        messages = messages[(length + 3) & ~3 :]
        carrier = kind == RTM_NEWLINK and bool(flags & IFF_LOWER_UP)
        if kind in (RTM_NEWLINK, RTM_DELLINK) and up.get(ifindex) != carrier:
            up[ifindex] = carrier
            print(json.dumps({"ifindex": ifindex, "carrier": carrier, "at": now}), flush=True)
