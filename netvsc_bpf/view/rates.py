# SPDX-License-Identifier: GPL-2.0-only
"""Rates between two readings of the counters. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from netvsc_bpf.model.status import PairStatus, PathTraffic, Traffic
from netvsc_bpf.model.timestamp import timestamp


@dataclass(frozen=True, slots=True)
class Rate:
    """Per second: packets (skbs) and bits, layer-2 header included."""

    packets: float = 0.0
    bits: float = 0.0

    def as_json(self) -> dict[str, float]:
        """Return the object in `top --json`."""
        return {"packets": round(self.packets, 3), "bits": round(self.bits, 3)}


@dataclass(frozen=True, slots=True)
class PathRates:
    """One direction of a pair, by path."""

    vf: Rate = Rate()
    synthetic: Rate = Rate()

    def as_json(self) -> dict[str, Any]:
        """Return the object in `top --json`."""
        return {"vf": self.vf.as_json(), "synthetic": self.synthetic.as_json()}


@dataclass(frozen=True, slots=True)
class PairRates:
    """The rates of one pair between two readings; ``now`` is the later one."""

    now: PairStatus
    tx: PathRates | None
    """None if there is no earlier reading since the pair was attached."""
    rx: PathRates | None
    drops: int
    """Packets lost since attach; duplicates that were dropped do not count."""

    @property
    def bits(self) -> float:
        """All directions and paths added up."""
        known = [one for one in (self.tx, self.rx) if one is not None]
        return sum(one.vf.bits + one.synthetic.bits for one in known)

    def as_json(self) -> dict[str, Any]:
        """Return the object in `top --json`."""
        return {
            "interface": self.now.synthetic.name,
            "ifindex": self.now.synthetic.ifindex,
            "vf": None if self.now.vf is None else self.now.vf.name,
            "path": self.now.path.value,
            "reason": self.now.reason.value,
            "tx": None if self.tx is None else self.tx.as_json(),
            "rx": None if self.rx is None else self.rx.as_json(),
            "path_changes": self.now.path_changes,
            "drops": self.drops,
        }


@dataclass(frozen=True, slots=True)
class Look:
    """All pairs at one moment of the monotonic clock, in seconds."""

    at: float
    pairs: Sequence[PairStatus]


def rates(earlier: Look, later: Look) -> list[PairRates]:
    """Compare two readings, pair by pair; new pairs have no rates yet."""
    before = {pair.synthetic.ifindex: pair for pair in earlier.pairs}
    seconds = max(later.at - earlier.at, 1e-3)
    return [_rates(before.get(pair.synthetic.ifindex), pair, seconds) for pair in later.pairs]


def busiest_first(pairs: Iterable[PairRates]) -> list[PairRates]:
    """Sort by traffic; pairs without traffic are sorted by name."""
    return sorted(pairs, key=lambda one: (-one.bits, one.now.synthetic.name))


def by_name(pairs: Iterable[PairRates]) -> list[PairRates]:
    """Sort by the name of the synthetic NIC."""
    return sorted(pairs, key=lambda one: one.now.synthetic.name)


def watch(look: Callable[[], Look], wait: Callable[[], bool]) -> Iterator[list[PairRates]]:
    """Yield the rates between each reading and the next, until ``wait`` returns False."""
    earlier = look()
    while wait():
        later = look()
        yield rates(earlier, later)
        earlier = later


def as_json(pairs: Iterable[PairRates], now: datetime, interval_s: float) -> dict[str, Any]:
    """Return the object that `top --json` prints for one interval, which ended at `now` (UTC)."""
    return {
        "time": timestamp(now),
        "interval_s": interval_s,
        "pairs": [one.as_json() for one in pairs],
    }


def _rates(before: PairStatus | None, now: PairStatus, seconds: float) -> PairRates:
    drops = now.drops.tx_vf + (now.drops.rx_home or 0)
    if before is None or _total(now) < _total(before):  # detached and attached again in between
        return PairRates(now, None, None, drops)
    return PairRates(
        now, _path_rates(before.tx, now.tx, seconds), _path_rates(before.rx, now.rx, seconds), drops
    )


def _total(pair: PairStatus) -> int:
    return sum(one.vf.packets + one.synthetic.packets for one in (pair.tx, pair.rx))


def _path_rates(before: PathTraffic, now: PathTraffic, seconds: float) -> PathRates:
    return PathRates(_rate(before.vf, now.vf, seconds), _rate(before.synthetic, now.synthetic, seconds))


def _rate(before: Traffic, now: Traffic, seconds: float) -> Rate:
    # 0 if one path was reset while another grew: a rate is never negative.
    packets, size = max(0, now.packets - before.packets), max(0, now.bytes - before.bytes)
    return Rate(packets / seconds, size * 8 / seconds)
