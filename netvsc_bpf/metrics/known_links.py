# SPDX-License-Identifier: GPL-2.0-only
"""The pinned links of each pair, cached between scrapes, and checked where they are attached.

Opening a pin and reading its info takes six system calls. Instead the device is asked whether it still runs
the program that the pin's link ran at the last scrape: one call for tcx, and none for guard, whose program is
in the netlink dump. After any other answer the pin is opened again, so a link that was replaced, detached or
unpinned is noticed at the next scrape all the same.
"""

from netvsc_bpf.kernel.bpf import links
from netvsc_bpf.kernel.bpf.links import LinkState
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.metrics.last_round import LastRound

_Key = tuple[int, int, str]
"""Inode of the network namespace, synthetic ifindex, hook."""


class KnownLinks:
    """The links and guard programs of the pairs of one network namespace."""

    def __init__(self) -> None:
        self._links = LastRound[_Key, LinkState]()
        self._guards = LastRound[_Key, int]()

    def begin_round(self) -> None:
        """Begin a scrape: entries that the last one did not use are dropped."""
        self._links.begin()
        self._guards.begin()

    def steer(self, pins: NetnsPins, ifindex: int) -> LinkState | None:
        """Return steer's tcx link as links.state() does, by the pair's synthetic NIC. Raises OSError."""
        return self._state(pins, ifindex, "steer", ifindex, Direction.EGRESS)

    def home(self, pins: NetnsPins, ifindex: int, vf: int) -> LinkState | None:
        """Return home's tcx link likewise; it belongs on the device `vf`. Raises OSError."""
        return self._state(pins, ifindex, "home", vf, Direction.INGRESS)

    def guard(self, pins: NetnsPins, ifindex: int, attached: int | None) -> int | None:
        """Return the number of the pair's guard program, None where it has none. Raises OSError.

        `attached` is the XDP program that the synthetic NIC runs.
        """
        key = pins.inode, ifindex, "guard"
        known = self._guards.get(key)
        if known is None or known != attached:
            known = links.pinned_program_id(pins.copy(ifindex, "guard"))
        if known is not None:
            self._guards.keep(key, known)
        return known

    def _state(
        self, pins: NetnsPins, ifindex: int, hook: str, device: int, direction: Direction
    ) -> LinkState | None:
        key = pins.inode, ifindex, hook
        known = self._links.get(key)
        if known is None or known.ifindex != device or not _runs(known.prog_id, device, direction):
            known = links.state(pins.link(ifindex, hook))
        if known is not None:
            self._links.keep(key, known)
        return known


def _runs(program: int, device: int, direction: Direction) -> bool:
    try:
        return program in tcx_programs(device, direction)
    except OSError:  # no permission to query, or the device is gone: open the pin
        return False
