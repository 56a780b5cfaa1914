# SPDX-License-Identifier: GPL-2.0-only
"""Which synthetic NICs are managed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from netvsc_bpf.discovery.pairing import find_synthetics
from netvsc_bpf.model.nic import Nic


@dataclass(slots=True)
class Managed:
    """The NICs of these names, or without names every one that is a synthetic NIC or attached already.

    A name, which may be an alternative one, is looked up once: the NIC stays managed whatever it is called
    later, as long as it is there.
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
        """Manage the NICs of other names; one whose name stays is the same NIC still."""
        self.names, self.any_bus = names, any_bus
        self._known = {name: ifindex for name, ifindex in self._known.items() if name in names}

    def name(self, nic: Nic) -> str:
        """Return the name under which a NIC is managed; its present one where none was asked for."""
        return next((name for name, ifindex in self._known.items() if ifindex == nic.ifindex), nic.name)

    def last_name(self, ifindex: int) -> str | None:
        """Return the name under which a NIC was managed that may be gone; None where it never was."""
        return self._last.get(ifindex)

    def names_ever(self) -> set[str]:
        """Return the names that are managed, and those that once were: their NIC may come back."""
        return {*self.names, *self._last.values()}

    def missing(self) -> list[str]:
        """Return the names that nobody had at the last look."""
        return [name for name in self.names if name not in self._known]
