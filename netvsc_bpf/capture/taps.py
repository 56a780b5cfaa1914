# SPDX-License-Identifier: GPL-2.0-only
"""The taps of a pair: on the synthetic NIC and on every NIC that is or may become its VF.

A VF gets a tap as soon as it exists, long before it has settled and packets are steered to it.
"""

import errno
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from netvsc_bpf.capture.frame import Interface, Sighting
from netvsc_bpf.capture.pcapng import Taken
from netvsc_bpf.discovery.eligibility import why_unfit
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.kernel.net.packet_ring import RETIRE_MS, PacketRing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.socket_filter import Instruction
from netvsc_bpf.model.errors import KernelError, NoSuchNic
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Path

_LINGER_S = 4 * RETIRE_MS / 1000
"""How long the ring of a removed device is still read: the kernel releases its last block with a delay."""


@dataclass(slots=True)
class Tap:
    """One open tap."""

    interface: Interface
    ring: PacketRing
    taken: Taken = field(default_factory=Taken)
    gone_at: float | None = None

    def read(self) -> list[Sighting]:
        """Return what it captured since the last call."""
        return [
            Sighting(one.at, self.interface, one.outgoing, one.data, one.length) for one in self.ring.read()
        ]

    def count(self) -> None:
        """Add the kernel's counters of the ring."""
        received, dropped = self.ring.statistics()
        self.taken = Taken(self.taken.received + received, self.taken.dropped + dropped)


class Taps:
    """All taps of the pair whose synthetic NIC has this ifindex. Close them after use."""

    def __init__(self, rtnl: Rtnetlink, ifindex: int, program: Sequence[Instruction]) -> None:
        self._rtnl, self._ifindex, self._program = rtnl, ifindex, program
        self._open: dict[int, Tap] = {}
        self._closed: list[Tap] = []

    def follow(self) -> list[Interface]:
        """Open taps on new devices and retire those of removed ones; return what was opened.

        Raises NoSuchNic if the synthetic NIC is gone, MissingCapability or KernelError if a tap fails.
        """
        halves = _halves(list_nics(self._rtnl), self._ifindex)
        opened = []
        # The synthetic NIC last: frames that reach it by the VF must have been seen on the VF before.
        for half in reversed(halves):
            tap = self._open.get(half.ifindex)
            if tap is None:
                tap = self._tap(half)
                if tap is not None:
                    opened.append(half)
                    self._open[half.ifindex] = tap
            elif tap.interface != half:
                tap.interface = half
        present = {half.ifindex for half in halves}
        for ifindex, tap in self._open.items():
            if ifindex not in present and tap.gone_at is None:
                tap.gone_at = time.monotonic()
        return opened[::-1]

    def read(self) -> list[Sighting]:
        """Return what all taps captured since, and close those whose device has been gone for a while."""
        seen: list[Sighting] = []
        for ifindex, tap in list(self._open.items()):
            seen.extend(tap.read())
            if tap.gone_at is not None and time.monotonic() - tap.gone_at > _LINGER_S:
                self._close(ifindex)
        return seen

    def taken(self) -> list[tuple[Interface, Taken]]:
        """Return the totals of each tap, including closed ones."""
        for tap in self._open.values():
            tap.count()
        return [(tap.interface, tap.taken) for tap in (*self._closed, *self._open.values())]

    def close(self) -> None:
        """Close all."""
        for ifindex in list(self._open):
            self._close(ifindex)

    def _close(self, ifindex: int) -> None:
        tap = self._open.pop(ifindex)
        tap.count()
        tap.ring.close()
        self._closed.append(tap)

    def _tap(self, half: Interface) -> Tap | None:
        try:
            return Tap(half, PacketRing(half.ifindex, self._program))
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENXIO) and half.path is Path.VF:
                return None  # gone or renamed again; another netlink message will follow
            raise KernelError(f"cannot capture on {half.name}", str(error), errno=error.errno) from error


def _halves(nics: Iterable[Nic], ifindex: int) -> list[Interface]:
    everyone = list(nics)
    synthetic = next((nic for nic in everyone if nic.ifindex == ifindex), None)
    if synthetic is None:
        raise NoSuchNic("capture ended", "the synthetic NIC is gone", "start again once it is back")
    return [
        Interface(synthetic.ifindex, synthetic.name, Path.SYNTHETIC),
        *(
            Interface(nic.ifindex, nic.name, Path.VF)
            for nic in everyone
            if nic.mac == synthetic.mac and nic.ifindex != ifindex and why_unfit(nic) is None
        ),
    ]
