# SPDX-License-Identifier: GPL-2.0-only
"""Does a VF have addresses or routes of its own, or another MTU than its synthetic NIC? (Rows 13 and 31.)

Addresses and routes are not read by each scrape: with a full routing table that takes longer than all the
rest. A thread of its own reads them when netlink reports a change, and spends at most 1 % of its time on it.
"""

import errno
import select
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from netvsc_bpf.kernel.net.addresses_and_routes import has_address, has_route
from netvsc_bpf.kernel.net.link_watch import drain, listen
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.metrics.snapshot import PairSample, Snapshot
from netvsc_bpf.model.errors import NetvscBpfError

# RTMGRP_* of include/uapi/linux/rtnetlink.h: LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE.
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
_SHARE = 100
_SHORTEST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_SETTLE_S = 0.25
"""Delay after a change: a manager in this process may be joining a new VF, and that goes first."""


class Problem(StrEnum):
    """A problem of a VF."""

    ADDRESS = "address"
    ROUTE = "route"
    MTU = "mtu"


LOOKED_UP = (Problem.ADDRESS, Problem.ROUTE)
"""Problems that a scrape does not check itself."""

Problems = Mapping[int, frozenset[Problem]]
"""By ifindex of the VF; VFs that were not checked (yet) are left out."""


def look_up(snapshot: Snapshot) -> Problems:
    """Check the VFs of all pairs; one that is removed meanwhile is left out. Raises OSError."""
    found = {}
    with Rtnetlink() as rtnl:
        for sample in snapshot.pairs:
            if (vf := sample.status.vf) is not None and (problems := _of(rtnl, vf.ifindex)) is not None:
                found[vf.ifindex] = problems
    return found


def has_other_mtu(sample: PairSample) -> bool:
    """Return whether the MTUs of a pair differ: packets that one accepts the other drops."""
    vf = sample.status.vf
    return vf is not None and vf.mtu != sample.status.synthetic.mtu


def _of(rtnl: Rtnetlink, ifindex: int) -> frozenset[Problem] | None:
    """Return the problems of a VF, None if it was removed meanwhile."""
    try:
        found = (Problem.ADDRESS, has_address(rtnl, ifindex)), (Problem.ROUTE, has_route(rtnl, ifindex))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return None
    return frozenset(problem for problem, there in found if there)


class VfProblemWatch:
    """Keeps the result ready for scrapes.

    Create it in the network namespace that it watches.
    """

    def __init__(self, read: Callable[[], Snapshot], failed: Callable[[Exception | None], None]) -> None:
        self._read, self._failed = read, failed
        self._found: Problems = {}
        self._closing = False
        self._socket = listen(_GROUPS)
        self._thread = threading.Thread(target=self._watch, name="vf-problems", daemon=True)
        self._thread.start()

    def __call__(self, _: Snapshot) -> Problems:
        """Return the last result."""
        return self._found

    def close(self) -> None:
        """Stop watching; the thread ends when it wakes, or with the process."""
        self._closing = True

    def _watch(self) -> None:
        with self._socket:
            while not self._closing:
                drain(self._socket)
                begin = time.monotonic()
                try:
                    self._found = look_up(self._read())
                    self._failed(None)
                except (NetvscBpfError, OSError) as error:
                    self._failed(error)
                took = time.monotonic() - begin
                time.sleep(max(_SHORTEST_PAUSE_S, took * _SHARE))
                if select.select([self._socket], [], [], _LONGEST_PAUSE_S)[0]:
                    time.sleep(_SETTLE_S)
