# SPDX-License-Identifier: GPL-2.0-only
"""Detecting in a second that a tcx program was attached behind steer: the kernel has no event for it.

The query takes RTNL (tcx_prog_query()); see attachment_looks.py.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

from netvsc_bpf.datapath.passed_by import passed_by
from netvsc_bpf.kernel.bpf import pair_programs, pin_files, pins
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.manager.state.in_namespace import InNamespace
from netvsc_bpf.model.errors import NamespaceGone

Passed = frozenset[tuple[int, tuple[int, ...]]]
"""Synthetic NICs (ifindex), and the programs behind their steer."""


@dataclass(slots=True)
class OrderWatch:
    """Wakes the loop when a program was attached behind the steer of an attached pair."""

    where: NetnsPins
    wake: Callable[[], None]
    namespace: InNamespace
    _steers: dict[int, int] = field(default_factory=dict)
    """Synthetic NIC (ifindex) -> its steer (program id); only those that are on tcx."""
    _reported: Passed = frozenset()

    def follow(self) -> None:
        """Watch the pairs that are attached now, and no others. Raises OSError."""
        attached = pins.attached_ifindexes(self.where)
        linked = (ifindex for ifindex in attached if pin_files.exists(self.where.link(ifindex, "steer")))
        found = {ifindex: pair_programs.program_ids(self.where, ifindex).get("steer") for ifindex in linked}
        self._steers = {ifindex: steer for ifindex, steer in found.items() if steer is not None}

    def found(self) -> Passed:
        """Return the pairs whose steer is passed by; may be called from any thread. Raises OSError."""
        if not self._steers:
            return frozenset()
        try:
            found = self.namespace.call(lambda: [(one, _behind(*one)) for one in self._steers.items()])
        except NamespaceGone:
            return frozenset()  # NamespaceManagers closes this namespace's manager
        return frozenset((ifindex, programs) for (ifindex, _), programs in found if programs)

    def report(self, passed: Passed) -> None:
        """Wake the loop for those that were not reported yet."""
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
