# SPDX-License-Identifier: GPL-2.0-only
"""The pairs that there are, or are to be, when one more is looked for. Pure.

A NIC is a half of one pair only. Where two pairs have one MAC (a bond gives all its ports the same), what is
known of them tells whose VF a NIC is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KnownPair:
    """One synthetic NIC, by its ifindex, and what is known of its VF."""

    synthetic: int
    attached: bool = True
    """Otherwise it is to be attached: somebody named it as a synthetic NIC."""
    vf: int | None = None
    """The ifindex of the VF that it has now."""
    last_mac: str | None = None
    """The MAC that its VF, or the last one that it had, came with."""
    named_vf: str | None = None
    """The VF that the configuration names outright."""


@dataclass(slots=True)
class KnownPairs:
    """Known pairs, by either half."""

    pairs: Iterable[KnownPair] = ()
    _by_synthetic: dict[int, KnownPair] = field(init=False, default_factory=dict)
    _by_vf: dict[int, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for pair in self.pairs:
            self.note(pair)

    def __iter__(self) -> Iterator[KnownPair]:
        return iter(self._by_synthetic.values())

    def note(self, pair: KnownPair) -> None:
        """Take note of a pair, in place of what was known of the same synthetic NIC."""
        self.forget(pair.synthetic)
        self._by_synthetic[pair.synthetic] = pair
        if pair.vf is not None:
            self._by_vf[pair.vf] = pair.synthetic

    def forget(self, synthetic: int) -> None:
        """Drop what is known of a synthetic NIC."""
        before = self._by_synthetic.pop(synthetic, None)
        if before is not None and before.vf is not None:
            self._by_vf.pop(before.vf, None)

    def of(self, synthetic: int) -> KnownPair | None:
        """Return the pair of this synthetic NIC (ifindex)."""
        return self._by_synthetic.get(synthetic)

    def with_vf(self, vf: int, *, but: int) -> KnownPair | None:
        """Return the pair that has this VF (ifindex), unless it is that of the synthetic NIC `but`."""
        owner = self._by_vf.get(vf)
        return None if owner is None or owner == but else self._by_synthetic[owner]

    def naming(self, names: Iterable[str], *, but: int) -> KnownPair | None:
        """Return a pair whose VF is to be called by one of these names, except that of `but`."""
        wanted = set(names)
        return next((one for one in self if one.named_vf in wanted and one.synthetic != but), None)
