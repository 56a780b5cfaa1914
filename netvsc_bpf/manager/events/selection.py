# SPDX-License-Identifier: GPL-2.0-only
"""Which events a reader wants: of one interface, since a time, the last ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from netvsc_bpf.discovery.lookup import find_by_name, no_such_nic
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.manager.events.kinds import MANAGER, Detail
from netvsc_bpf.manager.events.protocol import Record
from netvsc_bpf.model.nic import Nic


@dataclass(frozen=True, slots=True)
class Selection:
    """What an event must have. Pure."""

    names: frozenset[str] | None = None
    """The names of its interface; None: any."""
    ifindex: int | None = None
    """Or the ifindex of its interface, which path changes have: the name may have been another one."""
    since: datetime | None = None

    def of(self, records: Iterable[Record]) -> list[Record]:
        """Return those that are wanted."""
        return [record for record in records if self._wants(record)]

    def _wants(self, record: Record) -> bool:
        if self.since is not None and datetime.fromisoformat(str(record["time"])) < self.since:
            return False
        if self.names is None or record["interface"] in self.names:
            return True
        return self.ifindex is not None and record.get(Detail.IFINDEX) == self.ifindex


def selection(interface: str | None, since: datetime | None) -> tuple[Selection, bool]:
    """Return the selection for an interface, by any of its names; and whether there is such an interface.

    Events of an interface that is gone are found by the name that it had.
    """
    if interface is None:
        return Selection(since=since), True
    nic = find_by_name(_nics(), interface)
    if nic is None:
        return Selection(frozenset({interface}), since=since), interface == MANAGER
    return Selection(frozenset({nic.name, *nic.altnames}), nic.ifindex, since), True


def selected(
    batches: Iterator[list[Record]], interface: str | None, since: datetime | None, last: int | None
) -> Iterator[list[Record]]:
    """Yield the wanted events of each batch; of the first one, the known events, only the last `last`.

    Raises NoSuchNic if there is neither such an interface nor an event of one, except for followers, who may
    wait for it: their batches do not end.
    """
    wanted, exists = selection(interface, since)
    found = False
    for number, batch in enumerate(batches):
        records = wanted.of(batch)
        found = found or bool(records)
        yield records if number or last is None else records[-last:]
    if interface is not None and not (exists or found):
        raise no_such_nic(interface)


def _nics() -> list[Nic]:
    with Rtnetlink() as rtnl:
        return list_nics(rtnl)
