# SPDX-License-Identifier: GPL-2.0-only
"""A packet socket on one device, read through a TPACKET_V3 ring (Documentation/networking/packet_mmap.rst).

Position of the tap (net/core/dev.c): on receive after XDP and before tc ingress, on transmit after tc egress
and the qdisc. SO_TIMESTAMPNS makes the kernel timestamp a packet when it first arrives; the timestamp stays
when a program redirects it to another device's ingress in the same network namespace, so that both taps
report the same nanosecond.
"""

import mmap
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netvsc_bpf.kernel.net.packet_address import bind
from netvsc_bpf.kernel.net.socket_filter import RETURN, Instruction, attach_filter

_SOL_PACKET = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION = 5, 6, 10  # include/uapi/linux/if_packet.h
_TPACKET_V3 = 2
_SO_TIMESTAMPNS = 35
_ETH_P_ALL = 3
_OUTGOING = 4  # PACKET_OUTGOING
_USER = 1  # TP_STATUS_USER
_VLAN_VALID, _VLAN_TPID_VALID = 1 << 4, 1 << 6
_MAC_ADDRESSES = 12

_BLOCK = 1 << 17
_BLOCKS = 128
_FRAME = 1 << 11  # only has to divide the block: frames in a V3 ring have their own length
RETIRE_MS = 50
"""A block is handed over when it is full, or this old (ms), so that the ring covers seconds at any rate."""
MAX_SNAPLEN = _BLOCK - 1024

_REQUEST = struct.Struct("=7I")  # struct tpacket_req3
_BLOCK_HEAD = struct.Struct("=8xIII")  # tpacket_block_desc: block_status, num_pkts, offset_to_first_pkt
_STATUS_AT = 8
_PACKET_HEAD = struct.Struct("=6I2H4xIH")  # tpacket3_hdr up to tp_vlan_tpid
_PACKET_TYPE_AT = 48 + 10  # sll_pkttype, in the sockaddr_ll behind the header
_STATISTICS = struct.Struct("=3I")  # struct tpacket_stats_v3
_TAG = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class RingFrame:
    """A frame as seen by the tap, with the VLAN tag that the kernel keeps separately inserted again."""

    at: int
    """Nanoseconds since 1970."""
    data: bytes
    length: int
    """Length of the frame; ``data`` may be shorter."""
    outgoing: bool


def whole(snaplen: int) -> tuple[Instruction, ...]:
    """Return a filter that takes ``snaplen`` bytes of every packet."""
    return (Instruction(RETURN, 0, 0, snaplen),)


class PacketRing:
    """A tap on one device of this thread's network namespace. Raises OSError: EPERM without CAP_NET_RAW."""

    def __init__(self, ifindex: int, program: Sequence[Instruction]) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        try:
            self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
            frames = _BLOCK * _BLOCKS // _FRAME
            request = _REQUEST.pack(_BLOCK, _BLOCKS, _FRAME, frames, RETIRE_MS, 0, 0)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            attach_filter(self._socket, program)
            self._map = mmap.mmap(self._socket.fileno(), _BLOCK * _BLOCKS)
            bind(self._socket, ifindex, _ETH_P_ALL)  # from now on frames arrive
        except BaseException:
            self._socket.close()
            raise
        self._next = 0

    def read(self) -> list[RingFrame]:
        """Return the frames that the kernel has handed over since the last call, and release their blocks."""
        frames: list[RingFrame] = []
        for _ in range(_BLOCKS):
            start = self._next * _BLOCK
            status, count, first = _BLOCK_HEAD.unpack_from(self._map, start)
            if not status & _USER:
                break
            frames.extend(_frames(self._map, start + first, count))
            struct.pack_into("=I", self._map, start + _STATUS_AT, 0)
            self._next = (self._next + 1) % _BLOCKS
        return frames

    def statistics(self) -> tuple[int, int]:
        """Return how many packets passed the filter since the last call, and how many were dropped."""
        packets, drops, _ = _STATISTICS.unpack(
            self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
        )
        return packets, drops

    def close(self) -> None:
        """Close the tap."""
        self._map.close()
        self._socket.close()


def _frames(ring: mmap.mmap, at: int, count: int) -> Iterator[RingFrame]:
    for _ in range(count):
        step, sec, nsec, kept, length, status, mac, _, tci, tpid = _PACKET_HEAD.unpack_from(ring, at)
        data = ring[at + mac : at + mac + kept]
        if status & _VLAN_VALID:
            tag = _TAG.pack(tpid if status & _VLAN_TPID_VALID else 0x8100, tci)
            data, length = data[:_MAC_ADDRESSES] + tag + data[_MAC_ADDRESSES:], length + _TAG.size
        yield RingFrame(sec * 1_000_000_000 + nsec, data, length, ring[at + _PACKET_TYPE_AT] == _OUTGOING)
        at += step
