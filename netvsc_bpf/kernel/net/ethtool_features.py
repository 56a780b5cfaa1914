# SPDX-License-Identifier: GPL-2.0-only
"""Reads and requests features of an interface, as `ethtool -k` and `ethtool -K` do.

The kernel announces a feature that changed by RTM_NEWLINK (NETDEV_FEAT_CHANGE in rtnetlink_event(),
net/core/rtnetlink.c), so it need not be polled.
"""

import errno
import socket
import struct
from collections.abc import Mapping

from netvsc_bpf.kernel.net import ethtool_ioctl
from netvsc_bpf.model.receive_offload import ABSENT, FeatureState, Offloads, ReceiveOffload

_GET_FEATURES, _SET_FEATURES = 0x3A, 0x3B
_BLOCK = 32  # bits: available, requested, active, never changed


def active_features(name: str) -> frozenset[str]:
    """Return the names of the features that are on. Raises OSError: ENODEV if there is no such device."""
    with _handle() as handle:
        words = _words(handle, name)
        bits = _bits(handle, name, len(words))
    return frozenset(one for bit, one in enumerate(words) if one and bits[bit].active)


class OffloadReader:
    """Reads receive offloads of one interface after the other.

    It asks once which bit of the kernel's answers is which feature: that is the same for every interface.
    """

    def __init__(self) -> None:
        self._words: list[str] = []

    def __call__(self, ifindex: int) -> Offloads:
        """Return the receive offloads of an interface. Raises OSError: ENODEV or ENXIO if it is gone."""
        name = socket.if_indextoname(ifindex)
        with _handle() as handle:
            self._words = self._words or _words(handle, name)
            bits = _bits(handle, name, len(self._words))
        known = {word: bit for bit, word in enumerate(self._words) if word}
        return {one: bits[known[one]] if one in known else ABSENT for one in ReceiveOffload}


def request_offloads(ifindex: int, wanted: Mapping[ReceiveOffload, bool]) -> None:
    """Request receive offloads of an interface, on or off. Raises OSError: ENODEV or ENXIO if it is gone.

    It succeeds also if the kernel or the driver does not grant them, which shows when they are read. A driver
    may restart its queues, or take its carrier away for a moment.
    """
    request_features(socket.if_indextoname(ifindex), {one.value: on for one, on in wanted.items()})


def request_features(name: str, wanted: Mapping[str, bool]) -> None:
    """Request features by the kernel's names, on or off. Raises OSError: ENODEV if there is no such device.

    It succeeds also if the kernel or the driver does not grant them now (LRO while packets are forwarded);
    the kernel keeps the request (wanted_features in struct net_device).
    """
    with _handle() as handle:
        words = _words(handle, name)
        valid, requested = ([0] * _blocks(len(words)) for _ in range(2))
        for one, on in wanted.items():
            block, bit = divmod(words.index(one), _BLOCK)
            valid[block] |= 1 << bit
            requested[block] |= on << bit
        pairs = b"".join(struct.pack("=II", *pair) for pair in zip(valid, requested, strict=True))
        ethtool_ioctl.ask(handle, name, struct.pack("=II", _SET_FEATURES, len(valid)) + pairs, 0)


def _handle() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _words(handle: socket.socket, name: str) -> list[str]:
    """Return the names of the features by bit, empty where there is none; an empty list without ethtool."""
    try:
        return ethtool_ioctl.strings(handle, name, "features")
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return []
        raise


def _bits(handle: socket.socket, name: str, count: int) -> "_Bits":
    blocks = _blocks(count)
    question = struct.pack("=II", _GET_FEATURES, blocks)
    return _Bits(ethtool_ioctl.ask(handle, name, question, blocks * 16) if blocks else b"")


def _blocks(features: int) -> int:
    return -(-features // _BLOCK)


class _Bits:
    """The states of features by bit: struct ethtool_get_features_block for each 32 of them."""

    def __init__(self, answer: bytes) -> None:
        self._blocks = list(struct.iter_unpack("=4I", answer))

    def __getitem__(self, bit: int) -> FeatureState:
        block, place = divmod(bit, _BLOCK)
        available, requested, active = (bool(word >> place & 1) for word in self._blocks[block][:3])
        return FeatureState(available, requested, active)
