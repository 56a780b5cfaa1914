# SPDX-License-Identifier: GPL-2.0-only
"""Receives the answers of neighbours: ARP replies and neighbour advertisements of this network namespace.

No packet but these costs anything: the kernel hands a socket of ETH_P_ARP only ARP (ptype_base,
net/core/dev.c), and an ICMPv6 socket only the types that it asked for (ICMP6_FILTER, rawv6_filter()). A
packet socket for IPv6 would see every IPv6 packet.
"""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv6Address

from netvsc_bpf.kernel.net.frame_parts import ETH_P_ARP, NEIGHBOUR_ADVERTISEMENT
from netvsc_bpf.kernel.net.neighbour_frames import Answer, advertised, arp_answer
from netvsc_bpf.kernel.net.packet_address import PacketAddress
from netvsc_bpf.kernel.net.socket_filter import IF_EQUAL, LOAD_HALF, RETURN, attach_filter

_ICMP6_FILTER = 1  # include/uapi/linux/icmpv6.h
_IPV6_RECVPKTINFO, _IPV6_PKTINFO, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 49, 50, 51, 52
_LARGEST = 1024
_PACKET_HOST = 0  # include/uapi/linux/if_packet.h: sent to this host alone

# The packet begins with its ARP header (SOCK_DGRAM).
_REPLIES_ONLY = (
    (LOAD_HALF, 0, 0, 6),  # the operation
    (IF_EQUAL, 0, 1, 2),  # reply
    (RETURN, 0, 0, _LARGEST),
    (RETURN, 0, 0, 0),
)


class AnswerReceiver:
    """Both sockets. Needs CAP_NET_RAW. Raises OSError.

    While it is open it keeps its network namespace alive.
    """

    def __init__(self) -> None:
        kinds = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        # Without a protocol it receives nothing until the filter is there and it is bound.
        self._arp = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | kinds, 0)
        self._icmp: socket.socket | None = None
        try:
            attach_filter(self._arp, _REPLIES_ONLY)
            _bind_to_all(self._arp)
            self._icmp = _icmp_socket(kinds)
        except BaseException:
            self.close()
            raise
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.recvfrom.restype = ctypes.c_ssize_t
        self._buffer = ctypes.create_string_buffer(_LARGEST)

    def close(self) -> None:
        """Close the sockets; waits for an RCU grace period (packet_release(), net/packet/af_packet.c)."""
        self._arp.close()
        if self._icmp is not None:
            self._icmp.close()

    def filenos(self) -> list[int]:
        """Return the descriptors, to poll them."""
        return [one.fileno() for one in (self._arp, self._icmp) if one is not None]

    def answers(self) -> Iterator[tuple[int, Answer]]:
        """Yield what has arrived since the last call, with the interface (ifindex). Raises OSError."""
        yield from self._arp_answers()
        if self._icmp is not None:
            yield from _advertisements(self._icmp)

    def _arp_answers(self) -> Iterator[tuple[int, Answer]]:
        # Not recvfrom() of Python, whose address has the interface's name: it must be UTF-8.
        address = PacketAddress()
        while True:
            size = ctypes.c_uint32(ctypes.sizeof(address))
            length = self._libc.recvfrom(
                self._arp.fileno(),
                self._buffer,
                ctypes.c_size_t(_LARGEST),
                socket.MSG_DONTWAIT,
                ctypes.byref(address),
                ctypes.byref(size),
            )
            if length < 0:
                number = ctypes.get_errno()
                if number == errno.EAGAIN:
                    return
                if number == errno.ENETDOWN:  # one of all interfaces went down (packet_notifier())
                    continue
                raise OSError(number, os.strerror(number))
            answer = arp_answer(self._buffer.raw[:length])
            if answer is not None and address.pkttype == _PACKET_HOST:
                yield int(address.ifindex), answer


def _bind_to_all(where: socket.socket) -> None:
    address = PacketAddress.of(0, ETH_P_ARP)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(where.fileno(), ctypes.byref(address), ctypes.sizeof(address)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _icmp_socket(kinds: int) -> socket.socket | None:
    """Return the socket for advertisements; None where the kernel has no IPv6."""
    try:
        made = socket.socket(socket.AF_INET6, socket.SOCK_RAW | kinds, socket.IPPROTO_ICMPV6)
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:
            raise
        return None
    blocked = bytearray(b"\xff" * 32)
    word, bit = divmod(NEIGHBOUR_ADVERTISEMENT, 32)
    blocked[word * 4 : word * 4 + 4] = struct.pack("=I", 0xFFFFFFFF & ~(1 << bit))
    try:
        made.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(blocked))
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
    except BaseException:
        made.close()
        raise
    return made


def _advertisements(where: socket.socket) -> Iterator[tuple[int, Answer]]:
    while True:
        try:
            message, control, _, _ = where.recvmsg(_LARGEST, 256)
        except BlockingIOError:
            return
        said = {kind: data for level, kind, data in control if level == socket.IPPROTO_IPV6}
        if _IPV6_PKTINFO not in said or _IPV6_HOPLIMIT not in said:
            continue
        receiver, ifindex = struct.unpack("=16sI", said[_IPV6_PKTINFO])
        if IPv6Address(receiver).is_multicast:  # it answers no question (RFC 4861, section 7.1.2)
            continue
        answer = advertised(message, struct.unpack("=i", said[_IPV6_HOPLIMIT])[0])
        if answer is not None:
            yield ifindex, answer
