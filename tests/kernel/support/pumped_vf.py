# SPDX-License-Identifier: GPL-2.0-only
"""A VF that can be made to drop all frames while it is up with carrier.

It is a tap whose frames a thread carries to the switch, as hardware would. While it does not read them
they wait in the tap's ring and are dropped once that is full; a tap counts a frame as transmitted when it is
read (tun_put_user(), drivers/net/tun.c).
"""

import errno
import fcntl
import os
import select
import struct
import threading
from types import TracebackType
from typing import Self

from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.bridge_ports import wait_for_ports
from netvsc_bpf.lab.builder import SWITCH
from netvsc_bpf.lab.fabrics import PortRules
from netvsc_bpf.lab.namespace import call_in
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.wiring import with_rtnl

_TUNSETIFF = 0x400454CA  # include/uapi/linux/if_tun.h
_IFF_TAP, _IFF_NO_PI = 0x2, 0x1000
_LARGEST = 65536


class PumpedVf:
    """The VF of pair 0 of a lab that was built without one, for the time of a with block."""

    def __init__(self, lab: Lab, name: str = "vf0") -> None:
        self._lab, self._name, self._port = lab, name, f"{name}port"
        self._working = threading.Event()
        self._working.set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._pump, name="pumped-vf")

    def __enter__(self) -> Self:
        self._near = call_in(self._lab.guest, _tap, self._name)
        self._far = call_in(self._lab.fabric, _tap, self._port)
        with_rtnl(self._lab.fabric, self._connect)
        wait_for_ports(self._lab.fabric)
        with_rtnl(self._lab.guest, self._bring_up)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        os.close(self._near)
        os.close(self._far)

    def swallow(self) -> None:
        """Transmit nothing from now on; what comes from the switch still arrives."""
        self._working.clear()

    def work(self) -> None:
        """Transmit again, what waits in the ring first."""
        self._working.set()

    def _connect(self, rtnl: object) -> None:
        port, switch = wiring.index_of(rtnl, self._port), wiring.index_of(rtnl, SWITCH)
        wiring.connect(rtnl, port, switch, PortRules())
        wiring.set_up(rtnl, port, True)

    def _bring_up(self, rtnl: object) -> None:
        index = wiring.index_of(rtnl, self._name)
        rtnl.link("set", index=index, address=self._lab.plan.pair(0).mac)  # type: ignore[attr-defined]
        wiring.write_sysctl(f"ipv6/conf/{self._name}/addr_gen_mode", 1)
        wiring.set_up(rtnl, index, True)

    def _pump(self) -> None:
        while not self._ended.is_set():
            sources = [self._near, self._far] if self._working.is_set() else [self._far]
            for source in select.select(sources, [], [], 0.02)[0]:
                _forward(source, self._far if source == self._near else self._near)


def _forward(source: int, target: int) -> None:
    """Pass one frame on. A tap that is down takes none (EIO, tun_get_user()): it is lost, as on a wire."""
    frame = os.read(source, _LARGEST)
    try:
        os.write(target, frame)
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def _tap(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return fd
