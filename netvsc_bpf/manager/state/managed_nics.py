# SPDX-License-Identifier: GPL-2.0-only
"""Which synthetic NICs are managed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from netvsc_bpf.discovery.pairing import find_synthetics
from netvsc_bpf.model.nic import Nic


@dataclass(slots=True)
class Managed:
    """The NICs with these names, or without names every synthetic NIC and every attached one.

    A name, which may be an alternative one, is looked up once: the NIC stays managed after a rename, as long
    as it exists.
    """

    names: tuple[str, ...]
    any_bus: bool
    _known: dict[str, int] = field(default_factory=dict)
    _last: dict[int, str] = field(default_factory=dict)

    def among(self, nics: Sequence[Nic], attached: Iterable[int]) -> list[Nic]:
        """Return the managed ones of these NICs."""
        managed = self._among(nics, attached)
        self._last |= {nic.ifindex: self.name(nic) for nic in managed}
        return managed

    def _among(self, nics: Sequence[Nic], attached: Iterable[int]) -> list[Nic]:
        if not self.names:
            found = find_synthetics(nics, any_bus=self.any_bus)
            return [nic for nic in nics if nic in found or nic.ifindex in set(attached)]
        present = {nic.ifindex: nic for nic in nics}
        self._known = {name: ifindex for name, ifindex in self._known.items() if ifindex in present}
        by_name = {name: nic.ifindex for nic in nics for name in (nic.name, *nic.altnames)}
        for name in self.names:
            if name in by_name:
                self._known.setdefault(name, by_name[name])
        return [present[ifindex] for ifindex in dict.fromkeys(self._known.values())]

    def configure(self, names: tuple[str, ...], any_bus: bool) -> None:
        """Manage the NICs of other names; a name that stays keeps its NIC."""
        self.names, self.any_bus = names, any_bus
        self._known = {name: ifindex for name, ifindex in self._known.items() if name in names}

    def name(self, nic: Nic) -> str:
        """Return the name that a NIC is managed by; its current one if none was configured."""
        return next((name for name, ifindex in self._known.items() if ifindex == nic.ifindex), nic.name)

    def last_name(self, ifindex: int) -> str | None:
        """Return the name that a NIC was managed by, which may be gone; None if it never was."""
        return self._last.get(ifindex)

    def names_ever(self) -> set[str]:
        """Return the names that are or once were managed: their NIC may come back."""
        return {*self.names, *self._last.values()}

    def missing(self) -> list[str]:
        """Return the names that no interface had when last observed."""
        return [name for name in self.names if name not in self._known]
