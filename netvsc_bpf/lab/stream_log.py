# SPDX-License-Identifier: GPL-2.0-only
"""Shared memory of one numbered stream: live counters, and a record of every packet at both ends.

Three processes map it. The sender writes ``sent_ns`` and its counters, the receiver ``arrived_ns``,
``copies`` and its own counters, the reader nothing. Every field has one writer and is a naturally aligned
word, so no lock is needed. Times are CLOCK_MONOTONIC in nanoseconds, shared by all processes of a machine.
"""

import mmap
import os
from array import array
from enum import IntEnum
from typing import Self

from netvsc_bpf.lab.recording import Recording

_HEADER = 256
_RECORD = 8 + 8 + 1


class Counter(IntEnum):
    """Slots of 64 bits at the start of the ledger."""

    SENT = 0
    """Numbers used: each was passed to the kernel, or refused by it."""
    REFUSED = 1
    """How many of them the kernel refused (send(2) failed)."""
    RECEIVED = 2
    """Distinct numbers received."""
    DUPLICATES = 3
    FOREIGN = 4
    """Datagrams that are not of this stream."""
    DROPS = 5
    """Datagrams that were dropped because the receiver's socket buffer was full."""
    PORT = 6
    """The receiver's port, once it is listening."""
    MET = 7
    """1 once a packet has arrived and counting may begin."""


class Ledger:
    """The mapping, in each of the three processes."""

    def __init__(self, fd: int) -> None:
        """Map the ledger behind ``fd`` and take ownership of the descriptor."""
        self.fd = fd
        size = os.fstat(fd).st_size
        self.capacity = (size - _HEADER) // _RECORD
        """Maximum number of packets."""
        self._map = mmap.mmap(fd, size)
        whole = memoryview(self._map)
        end_sent = _HEADER + 8 * self.capacity
        end_arrived = end_sent + 8 * self.capacity
        self.counters = whole[:_HEADER].cast("Q")
        self.sent_ns = whole[_HEADER:end_sent].cast("q")
        self.arrived_ns = whole[end_sent:end_arrived].cast("q")
        self.copies = whole[end_arrived : end_arrived + self.capacity]
        self._views = (self.counters, self.sent_ns, self.arrived_ns, self.copies, whole)

    @classmethod
    def create(cls, capacity: int) -> Self:
        """Create an empty ledger for ``capacity`` packets (0: counters only); memory is used as it fills."""
        fd = os.memfd_create("netvsc-bpf-ledger")
        os.ftruncate(fd, _HEADER + capacity * _RECORD)
        return cls(fd)

    def recording(self) -> Recording:
        """Copy what has been recorded until now."""
        sent = self.counters[Counter.SENT]
        return Recording(
            sent_ns=array("q", self.sent_ns[:sent].tobytes()),
            arrived_ns=array("q", self.arrived_ns[:sent].tobytes()),
            copies=self.copies[:sent].tobytes(),
        )

    def close(self) -> None:
        """Unmap it in this process only."""
        for view in self._views:
            view.release()
        self._map.close()
        os.close(self.fd)
