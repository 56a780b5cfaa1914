# SPDX-License-Identifier: GPL-2.0-only
"""Frames made by hand: build them, put them on a wire, and see them arrive, by packet sockets."""

import errno
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from netvsc_bpf.lab.namespace import call_in
from tests.kernel.support.waiting import eventually

GUEST_MAC = bytes.fromhex("00155d010203")
OTHER_MAC = bytes.fromhex("020000000099")
BROADCAST = b"\xff" * 6
ETHERTYPE = 0x88B5
"""For experiments (IEEE 802): no kernel answers it."""

_ETH_P_ALL = 3
_SOL_PACKET = 263  # linux/if_packet.h, also the names below
_PACKET_AUXDATA = 8
_PACKET_OUTGOING = 4
_TP_STATUS_VLAN_VALID = 1 << 4
_AUXDATA = struct.Struct("=IIIHHHH")


def ethernet(
    target: bytes, payload: bytes, *, source: bytes = OTHER_MAC, ethertype: int = ETHERTYPE
) -> bytes:
    """A frame, without the checksum that hardware would add."""
    return target + source + struct.pack("!H", ethertype) + payload


def tagged(target: bytes, vlan: int, payload: bytes, *, source: bytes = OTHER_MAC) -> bytes:
    """A frame with an 802.1Q tag."""
    return ethernet(target, struct.pack("!HH", vlan, ETHERTYPE) + payload, source=source, ethertype=0x8100)


def udp(target_mac: bytes, source: str, target: str, port: int, payload: bytes) -> bytes:
    """A UDP datagram; the checksum that IPv4 makes optional is left out."""
    datagram = struct.pack("!HHHH", 40_000, port, 8 + len(payload), 0) + payload
    return ethernet(target_mac, _ipv4(source, target, socket.IPPROTO_UDP, datagram), ethertype=0x0800)


def tcp_syn(target_mac: bytes, source: str, target: str, source_port: int, port: int) -> bytes:
    """The first segment of a connection."""
    segment = struct.pack("!HHIIHHHH", source_port, port, 1, 0, 5 << 12 | 0x02, 65_535, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", 6, len(segment))
    segment = segment[:16] + struct.pack("!H", _checksum(pseudo + segment)) + segment[18:]
    return ethernet(target_mac, _ipv4(source, target, socket.IPPROTO_TCP, segment), ethertype=0x0800)


def wire(namespace: str, interface: str) -> socket.socket:
    """A socket that puts frames on the wire of an interface and never receives; the caller closes it."""

    def make() -> socket.socket:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        made.bind((interface, 0))
        return made

    return call_in(namespace, make)


def send(namespace: str, interface: str, *frames: bytes) -> None:
    """Put frames on the wire of an interface."""
    with wire(namespace, interface) as there:
        for frame in frames:
            there.send(frame)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a capture shows."""

    data: bytes
    length: int
    """Of the frame on this interface, tag excluded: more than the MTU where it was not segmented yet."""
    outgoing: bool
    vlan: int | None


class Listener:
    """A packet socket at an interface, from ``with`` on."""

    def __init__(self, namespace: str, interface: str) -> None:
        self._place = namespace, interface

    def __enter__(self) -> Self:
        namespace, interface = self._place
        self._socket = call_in(namespace, self._open, interface)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _open(self, interface: str) -> socket.socket:
        raise NotImplementedError


class Tap(Listener):
    """Shows every frame of one interface, as tcpdump does, from ``with`` on.

    ``seen`` holds at most ``snap`` bytes of each.
    """

    def __init__(self, namespace: str, interface: str, *, snap: int = 2048) -> None:
        super().__init__(namespace, interface)
        self._snap = snap
        self._frames: list[Frame] = []

    def seen(self, part: bytes = b"") -> list[Frame]:
        """The frames until now in which ``part`` occurs."""
        while True:
            try:
                data, ancillary, _, address = self._socket.recvmsg(self._snap, 256)
            except BlockingIOError:
                return [frame for frame in self._frames if part in frame.data]
            except OSError as error:
                if error.errno != errno.ENETDOWN:  # said once when the interface goes down
                    raise
                continue
            status, length, _, _, _, tag, _ = _AUXDATA.unpack(ancillary[0][2][: _AUXDATA.size])
            vlan = tag & 0xFFF if status & _TP_STATUS_VLAN_VALID else None
            self._frames.append(Frame(data, length, address[2] == _PACKET_OUTGOING, vlan))

    def wait_for(self, part: bytes) -> None:
        """Return once a frame with ``part`` was seen."""
        eventually(f"{part!r} on {self._place[1]}", lambda: bool(self.seen(part)))

    def _open(self, interface: str) -> socket.socket:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        made.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        made.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        made.bind((interface, _ETH_P_ALL))
        return made


def _ipv4(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
    return head[:10] + struct.pack("!H", _checksum(head + addresses)) + addresses + payload


def _checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
