# SPDX-License-Identifier: GPL-2.0-only
"""Which synthetic NICs are managed in a network namespace that is not the manager's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from netvsc_bpf.kernel.bpf.moved_nic_marks import moved_nics
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from netvsc_bpf.model.nic import Nic


@dataclass(slots=True)
class ManagedMovedNics:
    """The NICs that came from the manager's own network namespace into this one."""

    home: NetnsHandle
    _known: dict[int, str] = field(default_factory=dict)

    def among(self, nics: Sequence[Nic], attached: Iterable[int]) -> list[Nic]:
        """Return the managed ones of these NICs, by the current marks in bpffs."""
        here = NetnsPins(namespaces.current_inode())
        self._known = {one.ifindex: one.name for one in moved_nics(here) if one.home == self.home}
        return [nic for nic in nics if nic.ifindex in self._known]

    def name(self, nic: Nic) -> str:
        """See Managed."""
        return self._known.get(nic.ifindex, nic.name)

    def last_name(self, ifindex: int) -> str | None:
        """See Managed."""
        return self._known.get(ifindex)

    def names_ever(self) -> set[str]:
        """See Managed."""
        return set(self._known.values())

    def missing(self) -> list[str]:
        """See Managed."""
        return []
