# SPDX-License-Identifier: GPL-2.0-only
"""One interface for the two tc hooks: tcx links if the kernel has them, otherwise clsact filters."""

from pathlib import Path
from typing import Protocol

from netvsc_bpf.kernel.bpf import links
from netvsc_bpf.kernel.hooks import clsact, tcx
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.path import Hook


class TcHook(Protocol):
    """Attaches and detaches one program on one device, without changing foreign ones."""

    name: Hook

    def adds_qdisc(self, ifindex: int) -> bool:
        """Return whether attaching would add a clsact qdisc to the device."""

    def attach(self, prog_fd: int, ifindex: int, direction: Direction, pin: Path) -> None:
        """Attach, adding a clsact qdisc if one is needed."""

    def detach(self, prog_id: int | None, ifindex: int, direction: Direction, pin: Path) -> None:
        """Detach; does nothing if it is not attached or the device is gone.

        `prog_id` is the program's id, None if there is none.
        """

    def attached(self, prog_id: int | None, ifindex: int, direction: Direction, pin: Path) -> bool:
        """Return whether this program (by id; None: there is none) is attached to this device."""


class TcxHook:
    """Pinned tcx links."""

    name = Hook.TCX

    def adds_qdisc(self, ifindex: int) -> bool:
        """See TcHook."""
        return False

    def attach(self, prog_fd: int, ifindex: int, direction: Direction, pin: Path) -> None:
        """See TcHook."""
        tcx.attach(prog_fd, ifindex, direction, pin)

    def detach(self, prog_id: int | None, ifindex: int, direction: Direction, pin: Path) -> None:
        """See TcHook."""
        links.remove(pin)

    def attached(self, prog_id: int | None, ifindex: int, direction: Direction, pin: Path) -> bool:
        """See TcHook."""
        state = links.state(pin)
        return state is not None and (state.prog_id, state.ifindex) == (prog_id, ifindex)


class ClsactHook:
    """Filters of a clsact qdisc, identified by the id of the program that they run."""

    name = Hook.CLSACT

    def __init__(self, rtnl: Rtnetlink) -> None:
        self._rtnl = rtnl

    def adds_qdisc(self, ifindex: int) -> bool:
        """See TcHook."""
        return not clsact.has_qdisc(self._rtnl, ifindex)

    def attach(self, prog_fd: int, ifindex: int, direction: Direction, pin: Path) -> None:
        """See TcHook."""
        clsact.add_qdisc(self._rtnl, ifindex)
        clsact.attach(self._rtnl, ifindex, direction, prog_fd, pin.name)

    def detach(self, prog_id: int | None, ifindex: int, direction: Direction, pin: Path) -> None:
        """See TcHook."""
        if prog_id is not None:
            clsact.detach(self._rtnl, ifindex, direction, {prog_id})

    def attached(self, prog_id: int | None, ifindex: int, direction: Direction, pin: Path) -> bool:
        """See TcHook."""
        return prog_id is not None and clsact.attached(self._rtnl, ifindex, direction, prog_id)


def best_hook(prog_fd: int, rtnl: Rtnetlink) -> TcHook:
    """Return the hook that the running kernel supports."""
    return TcxHook() if tcx.supported(prog_fd) else ClsactHook(rtnl)
