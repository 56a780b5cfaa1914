# SPDX-License-Identifier: GPL-2.0-only
"""Noticing within a second what no event tells: a tcx or XDP link that was detached by force, or replaced.

The kernel has no event for it. A link's descriptor cannot be waited for (only struct_ops links have a poll
operation, bpf_link_fops_poll in kernel/bpf/syscall.c), BPF_LINK_DETACH and BPF_LINK_UPDATE notify nobody, and
neither does an XDP link that goes. A pin that is removed tells inotify, a filter or qdisc tells netlink.

So each link is asked within each second: open its pin, BPF_OBJ_GET_INFO_BY_FD, close; 10 us on the machine
where it was written, and 55 after a second of sleep, with cold caches: this is most of what an idle manager
takes. Keeping the descriptors would take half of it, and keep a link alive whose pin somebody removed. (Told
by fentry on security_bpf() we could do without; where there is no fentry it would be as before.)
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from netvsc_bpf.kernel.bpf import links, pair_programs, pin_files, pins
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import pin_root

LOOK_S = 0.9
_UNREADABLE = links.LinkState(0, 0)


@dataclass(slots=True)
class LinkWatch:
    """Wakes the loop when a link of an attached pair is not in order."""

    where: NetnsPins
    wake: Callable[[], None]
    _programs: dict[Path, int] = field(default_factory=dict)
    """Pin of a link -> the program (id) that has to be in it."""
    _told: frozenset[tuple[Path, links.LinkState]] = frozenset()
    """What was not in order at the last look: whether it can be put back is the reconciler's business."""

    def follow(self) -> None:
        """Look at the links that are pinned now, and no others. Raises OSError."""
        self._programs = dict(_pinned(self.where))

    async def run(self) -> None:
        """Look until cancelled. Raises OSError."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Look once. Raises OSError."""
        with pin_root.held(self.where.root):
            off = frozenset(self._off())
        if off - self._told:
            self.wake()
        self._told = off

    def _off(self) -> Iterator[tuple[Path, links.LinkState]]:
        for path, program in self._programs.items():
            try:
                state = links.state(path)
            except OSError:
                # The reconciler meets the same error and reports it; other links are looked at.
                state = _UNREADABLE
            # Without its device a link has no ifindex; without its pin it is inotify that tells.
            if state is not None and (state.prog_id != program or not state.ifindex):
                yield path, state


def _pinned(where: NetnsPins) -> Iterator[tuple[Path, int]]:
    for ifindex in pins.attached_ifindexes(where):
        for one, program in pair_programs.program_ids(where, ifindex).items():
            path = where.link(ifindex, one)
            if pin_files.exists(path):  # a clsact filter has no pin
                yield path, program
