# SPDX-License-Identifier: GPL-2.0-only
"""Dumps of all interfaces for a reader that needs their state and counters, again and again.

From one dump to the next hardly anything but counters changes. So a message that differs from the last one of
its interface only in its counters is not decoded again.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netvsc_bpf.discovery.link_message import (
    ALL_LINKS,
    IFINFOMSG,
    RTM_GETLINK,
    RTM_NEWLINK,
    CountersPlace,
    Link,
    NoCounters,
    counter_fields,
    counters_place,
)
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink, attribute
from netvsc_bpf.model.nic import Nic

_EXT_MASK, _SKIP_STATS = 29, 8
"""IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS: leaves out the statistics of address families."""

Driver = Callable[[str, str], str | None]
"""Returns the driver of an interface, by bus and name of its parent device; reading sysfs is slow."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The last message of an interface."""

    place: CountersPlace
    before: bytes
    """What comes before the counters."""
    after: bytes
    fields: dict[str, Any]
    """Of a Nic, without its counters."""

    def covers(self, body: bytes) -> bool:
        """Return whether a message differs in nothing but its counters."""
        place = self.place
        return body[: place.begin] == self.before and body[place.end :] == self.after


class CounterDumps:
    """Remembers the last dump."""

    def __init__(self) -> None:
        self._filter = attribute(_EXT_MASK, struct.pack("=I", _SKIP_STATS))
        self._known: dict[int, _Known] = {}

    def __call__(self, rtnl: Rtnetlink, driver: Driver) -> list[Nic]:
        """Return every interface of the socket's network namespace, as Link.nic() without settings.

        Raises OSError.
        """
        try:
            return self._dump(rtnl, driver)
        except NoCounters:
            # From Linux 7.0 on the filter leaves out the counters of the interfaces themselves too.
            self._filter = b""
            return self._dump(rtnl, driver)

    def _dump(self, rtnl: Rtnetlink, driver: Driver) -> list[Nic]:
        nics, seen = [], {}
        for answer in rtnl.dump(RTM_GETLINK, ALL_LINKS + self._filter):
            if answer.kind != RTM_NEWLINK:
                continue
            ifindex = IFINFOMSG.unpack_from(answer.body)[2]
            known = self._known.get(ifindex)
            if known is None or not known.covers(answer.body):
                known = _decoded(answer.body, driver)
            nics.append(Nic(**known.fields, **counter_fields(answer.body, known.place.stats64)))
            if known.fields["driver"] or not known.fields["parent"]:  # else it may get a driver later
                seen[ifindex] = known
        self._known = seen
        return nics


def _decoded(body: bytes, driver: Driver) -> _Known:
    link, place = Link(body, settings=False), counters_place(body)
    bus, parent = link.bus, link.parent
    fields = link.fields(driver(bus, parent) if bus and parent else None)
    return _Known(place, body[: place.begin], body[place.end :], fields)
