# SPDX-License-Identifier: GPL-2.0-only
"""The last round of announcements of each pair, to be sent again when the path changes. Pure.

What may have become untrue since is left out: above all the MAC of a virtual router that is a backup now, and
a station that has moved. Addresses are never claimed from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from netvsc_bpf.kernel.net.announcement_round import Announcement
from netvsc_bpf.kernel.net.announcement_watch import Changes
from netvsc_bpf.kernel.net.upper_devices import Link

_REREAD_S = 50.0
"""A round that is older is read again at the next opportunity: stations come and go."""
_TRUSTED_S = 120.0
"""Of a round that is older only the NIC's own MAC is announced."""


@dataclass(slots=True)
class _Round:
    links: dict[int, Link]
    announcements: list[Announcement]
    read_at: float
    incomplete: bool = False
    """Something was left out, and may be true."""


@dataclass(slots=True)
class LastRounds:
    """By pair (ifindex of the synthetic NIC). Times are seconds of one monotonic clock."""

    _rounds: dict[int, _Round] = field(default_factory=dict)

    def store(self, pair: int, links: dict[int, Link], announcements: list[Announcement], now: float) -> None:
        """Store what was read: the interfaces by ifindex, and the round."""
        self._rounds[pair] = _Round(links, announcements, now)

    def keep(self, pairs: Iterable[int]) -> None:
        """Drop all other pairs."""
        for gone in self._rounds.keys() - set(pairs):
            del self._rounds[gone]

    def name(self, pair: int) -> str:
        """Return the name of a pair's synthetic NIC; its number if it has no round."""
        round_ = self._rounds.get(pair)
        return str(pair) if round_ is None else round_.links[pair].name

    def interfaces(self) -> frozenset[int]:
        """Return the interfaces (ifindexes) whose changes are to be applied."""
        return frozenset(ifindex for round_ in self._rounds.values() for ifindex in round_.links)

    def apply(self, changes: Changes) -> None:
        """Leave out what may have become untrue."""
        for pair, round_ in self._rounds.items():
            before = round_.announcements
            round_.announcements = [one for one in before if _still_true(one, pair, round_.links, changes)]
            round_.incomplete = round_.incomplete or len(round_.announcements) < len(before)

    def at_once(self, pair: int, now: float, *, watched: bool) -> list[Announcement]:
        """Return what can be announced without asking the kernel; empty if no round was read.

        If what changed was not `watched` and applied, it is only the NIC's own MAC.
        """
        round_ = self._rounds.get(pair)
        if round_ is None:
            return []
        trusted = watched and now - round_.read_at <= _TRUSTED_S
        return [one for one in round_.announcements if not one.claims and (trusted or _is_own(one, pair))]

    def outdated(self, pairs: Iterable[int], now: float, grown: set[int]) -> set[int]:
        """Return those of these pairs whose round is to be read again, or for the first time.

        `grown` are interfaces (ifindexes) that have a new upper device.
        """
        return {pair for pair in pairs if self._is_outdated(self._rounds.get(pair), now, grown)}

    @staticmethod
    def _is_outdated(round_: _Round | None, now: float, grown: set[int]) -> bool:
        if round_ is None or round_.incomplete or not grown.isdisjoint(round_.links):
            return True
        return now - round_.read_at > _REREAD_S


def _still_true(one: Announcement, pair: int, links: dict[int, Link], changes: Changes) -> bool:
    if any(_differs(links.get(ifindex), link) for ifindex, link in changes.links.items()):
        # Which MACs send by an interface depends on all interfaces below it, and on their masters.
        return _is_own(one, pair) and not (
            pair in changes.links and _differs(links.get(pair), changes.links[pair])
        )
    if _is_own(one, pair):
        return True
    if one.station is None:
        return not changes.lost and one.ifindex not in changes.addresses
    return not changes.lost and one.station not in changes.macs


def _is_own(one: Announcement, pair: int) -> bool:
    return one.ifindex == pair and one.station is None


def _differs(before: Link | None, now: Link | None) -> bool:
    return before is not None and (now is None or _decisive(before) != _decisive(now))


def _decisive(link: Link) -> tuple[Any, ...]:
    """Return what decides what is announced; the carrier, for example, does not."""
    return link.mac, link.up, link.uses_arp, link.on, link.master, link.info, link.proto_down
