# SPDX-License-Identifier: GPL-2.0-only
"""The Python counterpart of ebpf/abi.h.

Tests/kernel/test_abi.py compares the two through the BTF of the loaded maps.
"""

import ctypes
from enum import IntEnum, IntFlag

from netvsc_bpf.model.path import GuardMode, Liveness, Path, Reason, ReturnPolicy
from netvsc_bpf.model.receive_offload import ReceiveOffload

ABI_MAGIC = 0x6E767362
ABI_VERSION = 5
NIC_SLOTS = 512
SLOT_PROBES = 4
REASON_COUNT = 32
EVIDENCE_FRAMES, EVIDENCE_STATIONS, EVIDENCE_SENDERS = 512, 32, 1024
DRAINED_INDEFINITELY = (1 << 64) - 1

PATHS = (Path.SYNTHETIC, Path.VF)
"""enum pair_path, by number."""

REASONS: tuple[Reason | None, ...] = (
    None,
    Reason.ARMED,
    Reason.NO_VF,
    Reason.VF_DOWN,
    Reason.NO_CARRIER,
    Reason.VF_DETACHED,
    Reason.VF_GONE,
    Reason.TX_TIMEOUT,
    Reason.SETTLING,
    Reason.SYNTHETIC_DOWN,
    Reason.MTU_REFUSED,
    Reason.DAMPED,
    Reason.DRAINED,
    Reason.NOT_PERMITTED,
    Reason.STALLED,
    Reason.XDP_MISSING,
    Reason.UNREACHABLE,
    Reason.MANUAL,
)
"""enum reason, by number; REASON_NONE is None."""

LIVENESSES: tuple[Liveness | None, ...] = (None, Liveness.NETLINK, Liveness.LIVE, Liveness.FENTRY)
"""enum liveness, by number."""

GUARD_MODES = (GuardMode.OFF, GuardMode.MULTICAST, GuardMode.ALL, GuardMode.EVIDENCE)
"""enum guard_mode, by number."""

RECEIVE_OFFLOADS = (
    ReceiveOffload.GRO,
    ReceiveOffload.GRO_LIST,
    ReceiveOffload.UDP_GRO,
    ReceiveOffload.LRO,
    ReceiveOffload.GRO_HW,
)
"""enum receive_offload, by number."""


class Returns(IntEnum):
    """enum return_policy."""

    AUTO = 0
    MANUAL = 1
    PENDING = 2


RETURN_POLICIES = {
    Returns.AUTO: ReturnPolicy.AUTO,
    Returns.MANUAL: ReturnPolicy.MANUAL,
    Returns.PENDING: ReturnPolicy.MANUAL,
}
"""The policy that is in force, by enum return_policy."""


class ControlCommand(IntEnum):
    """enum control_command."""

    PERMIT = 1
    WITHDRAW = 2
    CHECK = 3
    ARM = 4
    DISARM = 5
    GUARD = 6
    HOME = 7
    DRAIN = 8
    ADDRESS = 9
    FACTS = 10
    RETURN = 11


class ControlResult(IntEnum):
    """enum control_result."""

    SYNTHETIC = 0
    VF = 1
    NO_PAIR = 2
    NO_VF = 3
    BAD_LAYOUT = 4
    BAD_COMMAND = 5
    DRAINED = 6
    PENDING = 7


class NicFact(IntFlag):
    """enum nic_fact."""

    SENDERS = 1
    TAGS_HIDDEN = 2
    GENERIC_XDP = 4
    GUARD_MOVES = 8


class PairState(ctypes.Structure):
    """struct pair."""

    _fields_ = [
        ("synthetic_ifindex", ctypes.c_uint32),
        ("plain_ifindex", ctypes.c_uint32),
        ("vf_ifindex", ctypes.c_uint32),
        ("settled_ifindex", ctypes.c_uint32),
        ("armed", ctypes.c_uint64),
        ("vf_dev", ctypes.c_uint64),
        ("guard", ctypes.c_uint32),
        ("reason", ctypes.c_uint32),
        ("home_ifindex", ctypes.c_uint32),
        ("redirect_to", ctypes.c_uint32),
        ("home_dev", ctypes.c_uint64),
        ("synthetic_dev", ctypes.c_uint64),
        ("permitted", ctypes.c_uint64),
        ("settle_ns", ctypes.c_uint64),
        ("usable_since", ctypes.c_uint64),
        ("carrier_epoch", ctypes.c_uint64),
        ("held", ctypes.c_uint64),
        ("returns", ctypes.c_uint64),
        ("failures", ctypes.c_uint64),
        ("changed_at", ctypes.c_uint64),
        ("epoch", ctypes.c_uint64),
        ("address", ctypes.c_uint64),
        ("facts", ctypes.c_uint64),
        ("delivered_epoch", ctypes.c_uint64),
        ("delivered_at", ctypes.c_uint64),
        ("delivered", ctypes.c_uint64),
        ("drained_until", ctypes.c_uint64),
        ("unused", ctypes.c_uint64),
        ("changes", (ctypes.c_uint64 * REASON_COUNT) * len(PATHS)),
    ]


class Home(ctypes.Structure):
    """struct home."""

    _fields_ = [
        ("vf_ifindex", ctypes.c_uint32),
        ("pair_slot", ctypes.c_uint32),
    ]


class TrafficCount(ctypes.Structure):
    """struct traffic."""

    _fields_ = [("packets", ctypes.c_uint64), ("bytes", ctypes.c_uint64)]


class Counters(ctypes.Structure):
    """struct counters, of one CPU."""

    _fields_ = [
        ("tx", TrafficCount * len(PATHS)),
        ("rx", TrafficCount * len(PATHS)),
        ("duplicates", ctypes.c_uint64),
        ("lost_home", ctypes.c_uint64),
        ("compared", ctypes.c_uint64 * len(PATHS)),
        ("unused", ctypes.c_uint64 * 4),
    ]


class Evidence(ctypes.Structure):
    """struct evidence."""

    _fields_ = [
        ("frames", ctypes.c_uint64 * EVIDENCE_FRAMES),
        ("targets", ctypes.c_uint64 * EVIDENCE_STATIONS),
        ("senders", ctypes.c_uint64 * EVIDENCE_SENDERS),
    ]


class PathEvent(ctypes.Structure):
    """struct path_event."""

    _fields_ = [
        ("at", ctypes.c_uint64),
        ("synthetic_ifindex", ctypes.c_uint32),
        ("vf_ifindex", ctypes.c_uint32),
        ("to", ctypes.c_uint32),
        ("reason", ctypes.c_uint32),
    ]


class Found(ctypes.Structure):
    """struct found: the original settings of the NICs before attach."""

    _fields_ = [
        ("vf_ifindex", ctypes.c_uint32),
        ("vf_mtu", ctypes.c_uint32),
        ("vf_mac", ctypes.c_uint8 * 8),
        ("vf_up", ctypes.c_uint32),
        ("vf_addr_gen_mode", ctypes.c_uint32),
        ("vf_ipv6_disabled", ctypes.c_uint32),
        ("vf_has_ipv6", ctypes.c_uint32),
        ("gso_max_size", ctypes.c_uint32),
        ("gso_max_segs", ctypes.c_uint32),
        ("clsact_added", ctypes.c_uint32),
        ("denied", ctypes.c_uint32),
        ("rx_packets", ctypes.c_uint64),
        ("rx_bytes", ctypes.c_uint64),
        ("driver_vf_rx_packets", ctypes.c_uint64),
        ("driver_vf_rx_bytes", ctypes.c_uint64),
        ("vf_tx_dropped", ctypes.c_uint64),
        ("tx_dropped_before", ctypes.c_uint64),
        ("followed_mac", ctypes.c_uint8 * 8),
        ("followed_mtu", ctypes.c_uint32),
        ("followed_up", ctypes.c_uint32),
        ("followed_promisc", ctypes.c_uint32),
        ("followed_allmulti", ctypes.c_uint32),
        ("taken_down", ctypes.c_uint32),
        ("vf_offloads", ctypes.c_uint32),
    ]


class Layout(ctypes.Structure):
    """struct layout."""

    _fields_ = [
        ("magic", ctypes.c_uint32),
        ("version", ctypes.c_uint32),
        ("liveness", ctypes.c_uint32),
        ("build", ctypes.c_uint32),
        ("netns_cookie", ctypes.c_uint64),
    ]


def slot_candidates(ifindex: int) -> tuple[int, ...]:
    """Return the slots that the programs probe for a NIC, in order (maps.h, pair_of)."""
    return tuple((ifindex + probe) % NIC_SLOTS for probe in range(SLOT_PROBES))


def address(mac: str) -> int:
    """Return a MAC as a number, as the programs compare it (evidence.h, mac_at())."""
    return int.from_bytes(bytes.fromhex(mac.replace(":", "")), "little")
