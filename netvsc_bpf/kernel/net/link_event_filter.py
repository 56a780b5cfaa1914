# SPDX-License-Identifier: GPL-2.0-only
"""Which events of rtnetlink concern the pairs, by the message alone: nothing is dumped for the others.

On a machine with a thousand interfaces of containers, each of them has several events whenever one comes,
goes, or loses its carrier. Looking at all of them takes tens of milliseconds, judging one takes microseconds.

An event concerns a pair when it is about an interface of the pair or one that stands on it, or when it makes
an interface something that it was not before: one with the MAC of a pair or of another interface (two of
them may make a pair), with a name or alternative name that is waited for, with a device on a bus, or one that
stands on a member of a pair. Any other interface that is new, or has changed its names, MAC or master, is
looked at later; what is none of this is not looked at. (Of an alternative name the kernel tells only while
the interface is up, netdev_state_change().)

Where the messages say which interfaces it is all about, a look at these and at the members of pairs is enough
(news()). What these rules miss costs one interval: each interval has a look at everything.
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
    """How soon somebody has to look."""

    NEVER = 0
    LATER = 1
    NOW = 2


class Identity(NamedTuple):
    """What of an interface that belongs to no pair can make it belong to one."""

    name: bytes
    mac: bytes
    master: int | None
    altnames: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Interest:
    """What concerned the pairs of a network namespace at the last look."""

    members: frozenset[int]
    """Interfaces (ifindex) of pairs, what could be one, and what stands on them or owns them."""
    names: frozenset[bytes]
    """Names that are, were or will be those of pairs."""
    macs: frozenset[bytes]
    """The MACs of the pairs."""
    seen: Mapping[int, Identity]
    """Every interface; without `whole` only those that were looked at."""
    whole: bool = True
    """The look was at everything."""


@dataclass(slots=True)
class EventFilter:
    """Judges events. Until it knows what concerns the pairs, every one does."""

    _interest: Interest | None = None
    _seen: dict[int, Identity] = field(default_factory=dict)
    _macs: dict[bytes, int] = field(default_factory=dict)
    """How many interfaces have each MAC."""
    _next: deque[Interest] = field(default_factory=deque)
    """What looks found that judging does not go by yet, in their order."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Guards what follows: the loop judges, another thread looks."""
    _newcomers: set[int] = field(default_factory=set)
    """Interfaces that became something that concerns the pairs."""
    _everything: bool = True
    """The messages do not say what to look at."""

    def update(self, interest: Interest) -> None:
        """Go on by what a look found. Any thread may call it."""
        self._next.append(interest)

    def take_newcomers(self) -> frozenset[int] | None:
        """Return which interfaces to look at beside the members of pairs; None: at everything.

        Any thread may call it. What was returned once is not returned again.
        """
        with self._lock:
            found = None if self._everything else frozenset(self._newcomers)
            self._everything = False
            self._newcomers.clear()
            return found

    def request_full_scan(self) -> None:
        """Have the next look be at everything. Any thread may call it."""
        with self._lock:
            self._everything = True

    def concerns(self, ifindex: int) -> bool:
        """Tell whether an interface belongs to a pair, or may."""
        self._take_over()
        return self._interest is None or ifindex in self._interest.members

    def judge(self, data: bytes) -> Concern:
        """Say how soon somebody has to look because of one datagram of RTMGRP_LINK and RTMGRP_TC.

        An empty one stands for what was lost. LATER takes a look at everything (request_full_scan()).
        """
        if not data:
            return Concern.LATER
        self._take_over()
        at, most = 0, Concern.NEVER
        while at + _SHORTEST <= len(data):
            length, kind, *_ = _HEADER.unpack_from(data, at)
            if length < _SHORTEST:
                break
            most = max(most, self._judge_one(kind, data, at, min(at + length, len(data))))
            at += length + -length % 4
        return most

    def _take_over(self) -> None:
        while self._next:
            self._go_on_by(self._next.popleft())

    def _go_on_by(self, interest: Interest) -> None:
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
        if kind not in (_RTM_NEWLINK, _RTM_DELLINK):  # of tc
            return Concern.NOW if ifindex == _NO_INTERFACE else Concern.NEVER
        if family != socket.AF_UNSPEC:  # a port of a bridge
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
            # A synthetic NIC that is new: its VF may be any interface, and may have been there for long.
            self.request_full_scan()
            return Concern.NOW
        if _joins(interest, now, found):
            with self._lock:
                self._newcomers.add(ifindex)
            return Concern.NOW
        if (now.mac and self._macs[now.mac] > 1) or _PARENT in found:
            # It may make a pair with any other.
            self.request_full_scan()
            return Concern.NOW
        return Concern.LATER

    def _gone(self, ifindex: int, before: Identity | None) -> Concern:
        if before is None:
            return Concern.NEVER
        self._forget(ifindex)
        return Concern.LATER if self._macs[before.mac] else Concern.NEVER


def _joins(interest: Interest, now: Identity, found: Mapping[int, bytes]) -> bool:
    """Tell whether an interface became something that concerns the pairs that there are."""
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
