# SPDX-License-Identifier: GPL-2.0-only
"""Which events of rtnetlink concern the pairs, by the message alone: nothing is dumped for the others.

On a machine with a thousand interfaces of containers, each of them has several events whenever one comes,
goes, or loses its carrier. Looking at all of them takes tens of milliseconds, judging one takes microseconds.

An event concerns a pair when it is about an interface of the pair or one that stands on it, or when it makes
an interface something that it was not before: one with the MAC of a pair or of another interface (two of
them may make a pair), with a name or alternative name that is waited for, with a device on a bus, or one that
stands on a member of a pair. Any other interface that is new, or has changed its names, MAC or master, is
looked at later; what is none of this is not looked at. What these rules miss costs one interval: a look is
always at everything. (Of an alternative name the kernel tells only while the interface is up,
netdev_state_change().)
"""

import enum
import socket
import struct
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
    """Every interface."""


@dataclass(slots=True)
class EventFilter:
    """Judges events. Until it knows what concerns the pairs, every one does."""

    _interest: Interest | None = None
    _seen: dict[int, Identity] = field(default_factory=dict)
    _macs: dict[bytes, int] = field(default_factory=dict)
    """How many interfaces have each MAC."""
    _next: Interest | None = None

    def looked(self, interest: Interest) -> None:
        """Go on by what the last look found. Any thread may call it."""
        self._next = interest

    def concerns(self, ifindex: int) -> bool:
        """Tell whether an interface belongs to a pair, or may."""
        self._take_over()
        return self._interest is None or ifindex in self._interest.members

    def judge(self, data: bytes) -> Concern:
        """Say how soon somebody has to look because of one datagram of RTMGRP_LINK and RTMGRP_TC."""
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
        interest, self._next = self._next, None
        if interest is None:
            return
        self._interest, self._seen = interest, dict(interest.seen)
        self._macs = {}
        for known in self._seen.values():
            self._macs[known.mac] = self._macs.get(known.mac, 0) + 1

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
        self._seen[ifindex] = now
        self._macs[now.mac] = self._macs.get(now.mac, 0) + 1
        if before is not None:
            self._macs[before.mac] -= 1
        return Concern.NOW if self._matters(interest, now, found) else Concern.LATER

    def _gone(self, ifindex: int, before: Identity | None) -> Concern:
        if before is None:
            return Concern.NEVER
        del self._seen[ifindex]
        self._macs[before.mac] -= 1
        return Concern.LATER if self._macs[before.mac] else Concern.NEVER

    def _matters(self, interest: Interest, now: Identity, found: Mapping[int, bytes]) -> bool:
        link = _U32.unpack(found[_LINK])[0] if _LINK in found else None
        return (
            now.mac in interest.macs
            or (bool(now.mac) and self._macs[now.mac] > 1)
            or not interest.names.isdisjoint((now.name, *now.altnames))
            or now.master in interest.members
            or link in interest.members
            or _PARENT in found
        )


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
