# SPDX-License-Identifier: GPL-2.0-only
"""Does a VF have what belongs to its synthetic NIC alone? (Scenario rows 13 and 31.)

Addresses and routes are not looked up by each scrape: with a full routing table that takes longer than all
the rest. A thread of its own looks when netlink tells of a change, and spends a hundredth of its time on it.
"""

import select
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from pyroute2.netlink.exceptions import NetlinkError

from netvsc_bpf.doctor.vf_addresses import read_addresses, read_routes
from netvsc_bpf.kernel.netlink_watch import drain, listen
from netvsc_bpf.metrics.snapshot import PairSample, Snapshot
from netvsc_bpf.model.errors import NetvscBpfError

# RTMGRP_* of include/uapi/linux/rtnetlink.h: LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE.
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
_SHARE = 100
_SHORTEST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


class Problem(StrEnum):
    """What can be wrong with a VF."""

    ADDRESS = "address"
    ROUTE = "route"
    MTU = "mtu"


LOOKED_UP = (Problem.ADDRESS, Problem.ROUTE)
"""Those that a scrape does not see by itself."""

Problems = Mapping[int, frozenset[Problem]]
"""By ifindex of the VF; VFs that were not looked at (yet) are left out."""


def look_up(snapshot: Snapshot) -> Problems:
    """Look at the VFs of all pairs. Raises OSError."""
    vfs = (sample.status.vf for sample in snapshot.pairs)
    return {vf.ifindex: _of(vf.ifindex) for vf in vfs if vf is not None}


def has_other_mtu(sample: PairSample) -> bool:
    """Tell whether the halves of a pair differ: what one takes the other drops."""
    vf = sample.status.vf
    return vf is not None and vf.mtu != sample.status.synthetic.mtu


def _of(ifindex: int) -> frozenset[Problem]:
    try:
        addresses, routes = read_addresses(ifindex), read_routes(ifindex)
    except NetlinkError as error:
        raise OSError(error.code, str(error.args[-1])) from error
    return frozenset(
        problem for problem, found in ((Problem.ADDRESS, addresses), (Problem.ROUTE, routes)) if found
    )


class VfProblemWatch:
    """Keeps the answer ready for scrapes.

    Made in the network namespace that it watches; its thread ends by close(), or with the process.
    """

    def __init__(self, read: Callable[[], Snapshot], failed: Callable[[Exception | None], None]) -> None:
        self._read, self._failed = read, failed
        self._found: Problems = {}
        self._closing = False
        self._socket = listen(_GROUPS)
        self._thread = threading.Thread(target=self._watch, name="vf-problems", daemon=True)
        self._thread.start()

    def __call__(self, _: Snapshot) -> Problems:
        """Return what was found last."""
        return self._found

    def close(self) -> None:
        """Stop watching; the thread ends within the shortest pause."""
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
                select.select([self._socket], [], [], _LONGEST_PAUSE_S)
