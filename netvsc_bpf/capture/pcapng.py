# SPDX-License-Identifier: GPL-2.0-only
"""pcapng blocks (draft-ietf-opsawg-pcapng): one section, one interface description per device. Pure.

Blocks are made here; the caller writes them.
"""

import struct
from dataclasses import dataclass

from netvsc_bpf.capture.frame import Interface, Sighting
from netvsc_bpf.model.names import writable

_SECTION, _INTERFACE, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 5, 6
_MAGIC = 0x1A2B3C4D
_ETHERNET = 1  # LINKTYPE_ETHERNET
_NANOSECONDS = b"\x09"
_IN, _OUT = 1, 2  # epb_flags, bits 0 and 1

_USER_APPLICATION = 4
_IF_NAME, _IF_DESCRIPTION, _IF_TSRESOL = 2, 3, 9
_EPB_FLAGS = 2
_ISB_RECEIVED, _ISB_DROPPED = 4, 5


@dataclass(frozen=True, slots=True)
class Taken:
    """The totals of one tap."""

    received: int = 0
    """Frames that passed the filter, including those that another tap saw too."""
    dropped: int = 0
    """Of those, how many were dropped for lack of buffer space."""


class PcapngBlocks:
    """Makes the blocks of one file, in order."""

    def __init__(self, snaplen: int, application: str) -> None:
        self._snaplen = snaplen
        self._application = application
        self._numbers: dict[Interface, int] = {}

    def begin(self) -> bytes:
        """Return the section header."""
        fixed = struct.pack("=IHHq", _MAGIC, 1, 0, -1)
        return _block(_SECTION, fixed + _options((_USER_APPLICATION, self._application.encode())))

    def frame(self, frame: Sighting) -> bytes:
        """Return the packet block of a frame, preceded by the description of its interface if that is new."""
        described = b""
        if frame.interface not in self._numbers:
            described = self._describe(frame.interface)
        fixed = struct.pack(
            "=IIIII",
            self._numbers[frame.interface],
            frame.at >> 32,
            frame.at & 0xFFFFFFFF,
            len(frame.data),
            frame.length,
        )
        flags = struct.pack("=I", _OUT if frame.outgoing else _IN)
        return described + _block(_PACKET, fixed + _padded(frame.data) + _options((_EPB_FLAGS, flags)))

    def statistics(self, interface: Interface, taken: Taken, at: int) -> bytes:
        """Return the statistics block of an interface; empty if no frame of it was written."""
        if interface not in self._numbers:
            return b""
        fixed = struct.pack("=III", self._numbers[interface], at >> 32, at & 0xFFFFFFFF)
        options = _options(
            (_ISB_RECEIVED, struct.pack("=Q", taken.received)),
            (_ISB_DROPPED, struct.pack("=Q", taken.dropped)),
        )
        return _block(_STATISTICS, fixed + options)

    def _describe(self, interface: Interface) -> bytes:
        self._numbers[interface] = len(self._numbers)
        options = _options(
            (_IF_NAME, writable(interface.name).encode()),
            (_IF_DESCRIPTION, f"{interface.path} path, ifindex {interface.ifindex}".encode()),
            (_IF_TSRESOL, _NANOSECONDS),
        )
        return _block(_INTERFACE, struct.pack("=HHI", _ETHERNET, 0, self._snaplen) + options)


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("=II", kind, size) + body + struct.pack("=I", size)


def _options(*options: tuple[int, bytes]) -> bytes:
    packed = b"".join(struct.pack("=HH", code, len(value)) + _padded(value) for code, value in options)
    return packed + struct.pack("=HH", 0, 0)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
