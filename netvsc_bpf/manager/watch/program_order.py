# SPDX-License-Identifier: GPL-2.0-only
"""Detecting within a second that a tcx program was attached behind steer: the kernel has no event for it.

The query takes RTNL, the lock of all interfaces (tcx_prog_query()), which a driver may hold for long: it is
done in a thread, so that the manager's loop never waits for it.
"""

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from netvsc_bpf.datapath.passed_by import passed_by
from netvsc_bpf.kernel.bpf import pair_programs, pin_files, pins
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.manager.state.in_namespace import InNamespace
from netvsc_bpf.model.errors import NamespaceGone

LOOK_S = 0.9

_Passed = frozenset[tuple[int, tuple[int, ...]]]
"""Synthetic NICs (ifindex), and the programs behind their steer."""


@dataclass(slots=True)
class OrderWatch:
    """Wakes the loop when a program was attached behind the steer of an attached pair."""

    where: NetnsPins
    wake: Callable[[], None]
    namespace: InNamespace
    _steers: dict[int, int] = field(default_factory=dict)
    """Synthetic NIC (ifindex) -> its steer (program id); only those that are on tcx."""
    _reported: _Passed = frozenset()

    def follow(self) -> None:
        """Watch the pairs that are attached now, and no others. Raises OSError."""
        attached = pins.attached_ifindexes(self.where)
        linked = (ifindex for ifindex in attached if pin_files.exists(self.where.link(ifindex, "steer")))
        found = {ifindex: pair_programs.program_ids(self.where, ifindex).get("steer") for ifindex in linked}
        self._steers = {ifindex: steer for ifindex, steer in found.items() if steer is not None}

    async def run(self) -> None:
        """Check until cancelled. Raises OSError."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="order") as thread:
            while True:
                await asyncio.sleep(LOOK_S)
                if self._steers:
                    self._report(await loop.run_in_executor(thread, self.look))

    def look(self) -> _Passed:
        """Check once; may be called from any thread. Raises OSError."""
        try:
            found = self.namespace.call(lambda: [(one, _behind(*one)) for one in self._steers.items()])
        except NamespaceGone:
            return frozenset()  # NamespaceManagers closes this namespace's manager
        return frozenset((ifindex, programs) for (ifindex, _), programs in found if programs)

    def _report(self, passed: _Passed) -> None:
        if passed - self._reported:
            self.wake()
        self._reported = passed


def _behind(ifindex: int, steer_id: int) -> tuple[int, ...]:
    try:
        return passed_by(ifindex, steer_id)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return ()
