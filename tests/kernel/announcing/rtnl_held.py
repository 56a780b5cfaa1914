# SPDX-License-Identifier: GPL-2.0-only
"""RTNL held for a second or so, as the driver of a removed VF does, and a request that waits for it."""

import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.waiting import eventually

_GROUP, _BRIDGES = "77", 60
"""Each costs the kernel some RCU grace periods while it holds the lock of all interfaces."""
_RTM_GETLINK = 18
_LOOPBACK = struct.pack("=BxHiII", 0, 0, 1, 0, 0)
_HELD_S = 0.05


class Request:
    """Asks for an interface again and again, and knows how long the last request has been waiting."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.answered = 0
        self._since = time.monotonic()

    @property
    def waits_s(self) -> float:
        """For how many seconds."""
        return time.monotonic() - self._since

    def ask(self) -> None:
        """Ask until it is stopped."""
        with Rtnetlink() as rtnl:
            while not self.stopping.is_set():
                self._since = time.monotonic()
                rtnl.ask(_RTM_GETLINK, _LOOPBACK)
                self.answered += 1
                time.sleep(0.001)


@contextmanager
def rtnl_held(lab: Lab) -> Iterator[Request]:
    """Have the kernel delete many bridges at once; the block begins when a request waits for its lock."""
    batch = "".join(f"link add b{number} group {_GROUP} type bridge\n" for number in range(_BRIDGES))
    make = command_in(lab.fabric, ["ip", "-batch", "-"])
    subprocess.run(make, input=batch, text=True, check=True)
    request = Request()
    asking = threading.Thread(target=request.ask)
    asking.start()
    delete = command_in(lab.fabric, ["ip", "link", "del", "group", _GROUP])
    with subprocess.Popen(delete) as deleting:
        try:
            eventually("RTNL is held", lambda: request.waits_s > _HELD_S)
            yield request
        finally:
            deleting.wait()
            request.stopping.set()
            asking.join()
