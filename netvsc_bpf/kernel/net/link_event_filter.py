# SPDX-License-Identifier: GPL-2.0-only
"""Decides by the rtnetlink message whether an event concerns a pair, so that no dump is needed for others.

On a machine with a thousand container interfaces there are several events whenever one of them comes, goes,
or loses its carrier. A scan of all interfaces takes tens of milliseconds, judging one event microseconds.

An event concerns a pair if it is about an interface of the pair or an upper device of it, or if an interface
newly has the MAC of a pair or of another interface (the two may form a pair), a name or alternative name that
is waited for, a parent device on a bus, or a member of a pair as lower device. Any other interface that is
new, or has changed its names, MAC or master, is scanned later; all other events are ignored. (The kernel
reports a new alternative name only while the interface is up, netdev_state_change().)

If the messages identify the interfaces, reading these and the members of pairs is enough (take_newcomers()).
Whatever these rules miss is found after at most one interval, by the periodic full scan.
"""

import enum
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_HEADER = struct.Struct("=IHHII")
_IFINFOMSG = struct.Struct("=BxHi")
"""The head of struct ifinfomsg: family, type, index; that of struct tcmsg has the index in the same place."""
_SHORTEST = _HEADER.size + _IFINFOMSG.size
_ATTRIBUTES_AT = _HEADER.size + 16
_ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct("=I")
_TYPE = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_RTM_NEWLINK, _RTM_DELLINK = 16, 17
# include/uapi/linux/if_link.h
_ADDRESS, _NAME, _LINK, _MASTER, _PROPERTIES, _ALTERNATIVE_NAME, _PARENT = 1, 3, 5, 10, 52, 53, 56
_WANTED = frozenset({_ADDRESS, _NAME, _LINK, _MASTER, _PROPERTIES, _PARENT})
_NO_INTERFACE = -1
"""TCM_IFINDEX_MAGIC_BLOCK: a filter on a block that several interfaces share."""


class Concern(enum.IntEnum):
    """How soon the interfaces have to be scanned."""

    NEVER = 0
    LATER = 1
    NOW = 2


class Identity(NamedTuple):
    """Attributes of an interface outside of pairs by which it can become part of one."""

    name: bytes
    mac: bytes
    master: int | None
    altnames: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Interest:
    """What was relevant for the pairs of a network namespace at the last scan."""

    members: frozenset[int]
    """Interfaces (ifindex) of pairs, possible members, and upper devices or masters of either."""
    names: frozenset[bytes]
    """Names that members of pairs have, had or will have."""
    macs: frozenset[bytes]
    """The MACs of the pairs."""
    seen: Mapping[int, Identity]
    """All interfaces, or those that were scanned if not `whole`."""
    whole: bool = True
    """The scan covered all interfaces."""


@dataclass(slots=True)
class EventFilter:
    """Judges events. Until the first scan, every event concerns the pairs."""

    _interest: Interest | None = None
    _seen: dict[int, Identity] = field(default_factory=dict)
    _macs: dict[bytes, int] = field(default_factory=dict)
    """How many interfaces have each MAC."""
    _next: deque[Interest] = field(default_factory=deque)
    """Results of scans that are not applied yet, in order."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Protects the following fields: the event loop judges, another thread scans."""
    _newcomers: set[int] = field(default_factory=set)
    """Interfaces that have become relevant for the pairs."""
    _everything: bool = True
    """A full scan is needed."""

    def update(self, interest: Interest) -> None:
        """Set the result of a scan. Thread-safe."""
        self._next.append(interest)

    def take_newcomers(self) -> frozenset[int] | None:
        """Return the interfaces to scan besides the members of pairs, once; None: all interfaces.

        Thread-safe.
        """
        with self._lock:
            found = None if self._everything else frozenset(self._newcomers)
            self._everything = False
            self._newcomers.clear()
            return found

    def request_full_scan(self) -> None:
        """Make the next scan a full one. Thread-safe."""
        with self._lock:
            self._everything = True

    def concerns(self, ifindex: int) -> bool:
        """Return whether an interface belongs to a pair, or may belong to one."""
        self._apply_scans()
        return self._interest is None or ifindex in self._interest.members

    def judge(self, data: bytes) -> Concern:
        """Return how soon a scan is needed because of one datagram of RTMGRP_LINK and RTMGRP_TC.

        An empty datagram means that some were lost. LATER requires a full scan (request_full_scan()).
        """
        if not data:
            return Concern.LATER
        self._apply_scans()
        at, most = 0, Concern.NEVER
        while at + _SHORTEST <= len(data):
            length, kind, *_ = _HEADER.unpack_from(data, at)
            if length < _SHORTEST:
                break
            most = max(most, self._judge_one(kind, data, at, min(at + length, len(data))))
            at += length + -length % 4
        return most

    def _apply_scans(self) -> None:
        while self._next:
            self._apply(self._next.popleft())

    def _apply(self, interest: Interest) -> None:
        before, self._interest = self._interest, interest
        if interest.whole or before is None:
            self._seen, self._macs = {}, {}
        else:
            for gone in before.members - interest.seen.keys():
                self._forget(gone)
        for ifindex, identity in interest.seen.items():
            self._learn(ifindex, identity)

    def _learn(self, ifindex: int, identity: Identity) -> None:
        self._forget(ifindex)
        self._seen[ifindex] = identity
        self._macs[identity.mac] = self._macs.get(identity.mac, 0) + 1

    def _forget(self, ifindex: int) -> None:
        before = self._seen.pop(ifindex, None)
        if before is not None:
            self._macs[before.mac] -= 1

    def _judge_one(self, kind: int, data: bytes, at: int, end: int) -> Concern:
        family, _, ifindex = _IFINFOMSG.unpack_from(data, at + _HEADER.size)
        interest = self._interest
        if interest is None or ifindex in interest.members:
            return Concern.NOW
        if kind not in (_RTM_NEWLINK, _RTM_DELLINK):  # a tc message
            return Concern.NOW if ifindex == _NO_INTERFACE else Concern.NEVER
        if family != socket.AF_UNSPEC:  # a bridge port
            return Concern.NEVER
        before = self._seen.get(ifindex)
        if kind == _RTM_DELLINK:
            return self._gone(ifindex, before)
        found = _attributes(data, at + _ATTRIBUTES_AT, end)
        now = _identity(found)
        if now == before:
            return Concern.NEVER
        self._learn(ifindex, now)
        if not interest.names.isdisjoint((now.name, *now.altnames)):
            # A new synthetic NIC: its VF may be any interface, and may have existed for long.
            self.request_full_scan()
            return Concern.NOW
        if _joins(interest, now, found):
            with self._lock:
                self._newcomers.add(ifindex)
            return Concern.NOW
        if (now.mac and self._macs[now.mac] > 1) or _PARENT in found:
            # It may form a pair with any other interface.
            self.request_full_scan()
            return Concern.NOW
        return Concern.LATER

    def _gone(self, ifindex: int, before: Identity | None) -> Concern:
        if before is None:
            return Concern.NEVER
        self._forget(ifindex)
        return Concern.LATER if self._macs[before.mac] else Concern.NEVER


def _joins(interest: Interest, now: Identity, found: Mapping[int, bytes]) -> bool:
    """Return whether an interface has become relevant for the existing pairs."""
    link = _U32.unpack(found[_LINK])[0] if _LINK in found else None
    return now.mac in interest.macs or now.master in interest.members or link in interest.members


def _identity(found: Mapping[int, bytes]) -> Identity:
    master = found.get(_MASTER)
    return Identity(
        found.get(_NAME, b"").rstrip(b"\0"),
        found.get(_ADDRESS, b""),
        None if master is None else _U32.unpack(master)[0],
        _altnames(found.get(_PROPERTIES, b"")),
    )


def _altnames(properties: bytes) -> frozenset[bytes]:
    each = _each(properties, 0, len(properties))
    return frozenset(value.rstrip(b"\0") for kind, value in each if kind == _ALTERNATIVE_NAME)


def _attributes(data: bytes, at: int, end: int) -> dict[int, bytes]:
    return {kind: value for kind, value in _each(data, at, end) if kind in _WANTED}


def _each(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    while at + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        yield kind & _TYPE, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
