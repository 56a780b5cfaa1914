# SPDX-License-Identifier: GPL-2.0-only
"""Detecting in a second that a tcx or XDP link was detached by force or replaced.

The kernel has no event for it. A link's descriptor cannot be polled (only struct_ops links have a poll
operation, bpf_link_fops_poll in kernel/bpf/syscall.c), BPF_LINK_DETACH and BPF_LINK_UPDATE send no
notification, and neither does the removal of an XDP link. The removal of a pin is reported by inotify, that
of a filter or qdisc by netlink.

So each link is queried once per second: open its pin, BPF_OBJ_GET_INFO_BY_FD, close; that takes 10 us on the
machine where it was written, and 55 us after a second of sleep, with cold caches: most of the CPU time of an
idle manager. Keeping the descriptors open would halve it, but keep a link alive whose pin was removed.
(fentry on security_bpf() could replace it; without fentry it would be needed all the same.)

The query takes RTNL (tcx_link_fill_info(), bpf_xdp_link_fill_link_info()); see attachment_looks.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from netvsc_bpf.kernel.bpf import links, pair_programs, pin_files, pins
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import pin_root

_UNREADABLE = links.LinkState(0, 0)
Off = frozenset[tuple[Path, links.LinkState]]
"""Links by their pins, and what they are instead."""


@dataclass(slots=True)
class LinkWatch:
    """Wakes the loop when a link of an attached pair is detached or has another program."""

    where: NetnsPins
    wake: Callable[[], None]
    _programs: dict[Path, int] = field(default_factory=dict)
    """Pin of a link -> the program (id) that it must have."""
    _reported: Off = frozenset()
    """What was wrong at the last check: the reconciler decides whether it can be restored."""

    def follow(self) -> None:
        """Watch the links that are pinned now, and no others. Raises OSError."""
        self._programs = dict(_pinned(self.where))

    def look(self) -> None:
        """Check once, and report. Raises OSError."""
        self.report(self.found())

    def found(self) -> Off:
        """Return the links that are not as they must be. Raises OSError."""
        with pin_root.held(self.where.root):
            return frozenset(self._off())

    def report(self, off: Off) -> None:
        """Wake the loop for those that were not reported yet."""
        if off - self._reported:
            self.wake()
        self._reported = off

    def _off(self) -> Iterator[tuple[Path, links.LinkState]]:
        for path, program in self._programs.items():
            try:
                state = links.state(path)
            except OSError:
                # The reconciler gets the same error and reports it; go on with the other links.
                state = _UNREADABLE
            # Without its device a link has no ifindex; a removed pin is reported by inotify.
            if state is not None and (state.prog_id != program or not state.ifindex):
                yield path, state


def _pinned(where: NetnsPins) -> Iterator[tuple[Path, int]]:
    for ifindex in pins.attached_ifindexes(where):
        for one, program in pair_programs.program_ids(where, ifindex).items():
            path = where.link(ifindex, one)
            if pin_files.exists(path):  # a clsact filter has no pin
                yield path, program
