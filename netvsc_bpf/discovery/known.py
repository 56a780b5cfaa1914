# SPDX-License-Identifier: GPL-2.0-only
"""The pairs that are attached, or will be, as input for pairing. Pure.

A NIC is a member of one pair only. If two pairs have the same MAC (a bond gives all its ports one), the known
pairs determine to which of them a VF belongs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KnownPair:
    """One synthetic NIC, by its ifindex, and what is known about its VF."""

    synthetic: int
    attached: bool = True
    """False if it is not attached yet, but was named as a synthetic NIC."""
    vf: int | None = None
    """The ifindex of its VF."""
    last_mac: str | None = None
    """The original MAC of its VF, or of the last one that it had."""
    named_vf: str | None = None
    """The VF that the configuration names."""


@dataclass(slots=True)
class KnownPairs:
    """Known pairs, indexed by both members."""

    pairs: Iterable[KnownPair] = ()
    _by_synthetic: dict[int, KnownPair] = field(init=False, default_factory=dict)
    _by_vf: dict[int, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for pair in self.pairs:
            self.note(pair)

    def __iter__(self) -> Iterator[KnownPair]:
        return iter(self._by_synthetic.values())

    def note(self, pair: KnownPair) -> None:
        """Add a pair, replacing an earlier entry of the same synthetic NIC."""
        self.forget(pair.synthetic)
        self._by_synthetic[pair.synthetic] = pair
        if pair.vf is not None:
            self._by_vf[pair.vf] = pair.synthetic

    def forget(self, synthetic: int) -> None:
        """Remove the entry of a synthetic NIC."""
        before = self._by_synthetic.pop(synthetic, None)
        if before is not None and before.vf is not None:
            self._by_vf.pop(before.vf, None)

    def of(self, synthetic: int) -> KnownPair | None:
        """Return the pair of this synthetic NIC (ifindex)."""
        return self._by_synthetic.get(synthetic)

    def with_vf(self, vf: int, *, but: int) -> KnownPair | None:
        """Return the pair that has this VF (ifindex), except that of the synthetic NIC `but`."""
        owner = self._by_vf.get(vf)
        return None if owner is None or owner == but else self._by_synthetic[owner]

    def naming(self, names: Iterable[str], *, but: int) -> KnownPair | None:
        """Return a pair whose configured VF has one of these names, except that of `but`."""
        wanted = set(names)
        return next((one for one in self if one.named_vf in wanted and one.synthetic != but), None)
