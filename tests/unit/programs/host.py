# SPDX-License-Identifier: GPL-2.0-only
"""The programs of ebpf/ in this process, over devices that are a few numbers: no kernel, no privileges.

What a kernel makes of them is for tests/kernel. Here they can be stopped between any two accesses to what
CPUs share, so every order of what happens at the same time can be had.
"""

import ctypes
import subprocess
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.model.path import Liveness

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[2] / "ebpf"

START, PRESENT, NO_CARRIER, LINKWATCH_PENDING = 1, 2, 4, 8
"""Bits of net_device.state."""
USABLE = START | PRESENT
SYNTHETIC, VF, OTHER = 0, 1, 2
"""Devices; OTHER belongs to no pair."""
IFINDEX = (abi.NIC_SLOTS, 20, 30)
"""The first one's slot is 0."""
NETDEV_UP, NETDEV_DOWN, NETDEV_CHANGE, NETDEV_UNREGISTER, NETDEV_GOING_DOWN = 1, 2, 4, 6, 10
NETDEV_PRECHANGEUPPER = 26
OWN_MAC = bytes.fromhex("00155d010203")
"""That of the synthetic NIC and its VF."""
LONG_AGO, NOW = 1_000, 1_000_000_000_000


Frame = bytes | bytearray
"""The programs may change a bytearray."""


class Event(IntEnum):
    """enum event of host.c."""

    CONTROL = 0
    PACKET = 1
    NOTIFIER = 2
    CARRIER_OFF = 3
    DETACH = 4
    DOWN = 5
    UP = 6
    TIMEOUT = 7


class Skip(IntEnum):
    """Which of the two programs at a kernel function does not run."""

    NOTHING = 0
    ENTRY = 1
    RETURN = 2


class Work(ctypes.Structure):
    """struct work of host.c."""

    _fields_ = [
        ("event", ctypes.c_uint32),
        ("device", ctypes.c_uint32),
        ("command", ctypes.c_uint32),
        ("skipped", ctypes.c_uint32),
        ("argument", ctypes.c_uint64),
        ("answer", ctypes.c_uint32),
    ]


class Device(ctypes.Structure):
    """struct host_device of host.h."""

    _fields_ = [
        ("state", ctypes.c_uint64),
        ("net", ctypes.c_uint64),
        ("ifindex", ctypes.c_uint32),
        ("carrier_up", ctypes.c_uint32),
        ("carrier_down", ctypes.c_uint32),
        ("dismantle", ctypes.c_uint8),
    ]


class _Entry(ctypes.Structure):
    _fields_ = [("dev", ctypes.c_uint64), ("ifindex", ctypes.c_uint32), ("unused", ctypes.c_uint32)]


def control(command: ControlCommand, argument: int = 0) -> Work:
    return Work(event=Event.CONTROL, command=command, argument=argument)


def happens(event: Event, device: int = VF, *, skipped: Skip = Skip.NOTHING, argument: int = 0) -> Work:
    return Work(event=event, device=device, skipped=skipped, argument=argument)


class Host:
    """One pair in slot 0, permitted and its VF the path, unless a test says otherwise."""

    def __init__(self, liveness: Liveness) -> None:
        self._library = _library(abi.LIVENESSES.index(liveness))
        self._library.fiber_history.restype = ctypes.c_uint64
        self.pair = abi.PairState.in_dll(self._library, "host_pairs")
        self.devices = (Device * 4).in_dll(self._library, "host_devices")
        self._paths = (_Entry * (2 * abi.NIC_SLOTS)).in_dll(self._library, "host_paths")
        self._now = ctypes.c_uint64.in_dll(self._library, "host_now")
        self._counters = abi.Counters.in_dll(self._library, "host_counters")
        self._evidence = abi.Evidence.in_dll(self._library, "host_evidence")
        self.reset()

    @property
    def vf(self) -> Device:
        return self.devices[VF]

    @property
    def counters(self) -> abi.Counters:
        return self._counters

    def reset(self) -> None:
        """Begin anew: all is well, the VF is the path, and no time passes before it may be that again."""
        self._library.fibers_reset()
        for number, ifindex in enumerate(IFINDEX):
            self.devices[number] = Device(state=USABLE, net=1, ifindex=ifindex)
        for memory in (self._counters, self._evidence):
            ctypes.memset(ctypes.addressof(memory), 0, ctypes.sizeof(memory))
        self._name(0, VF)
        self._name(abi.NIC_SLOTS, SYNTHETIC)
        homes = (abi.Home * abi.NIC_SLOTS).in_dll(self._library, "host_homes")
        homes[IFINDEX[VF]] = abi.Home(vf_ifindex=IFINDEX[VF])
        self.now(NOW)
        self.set_pair()

    def set_pair(self, **values: int) -> None:
        """Put the pair into a state that its programs could have brought about."""
        address = ctypes.addressof(self.devices)
        whole = {
            "synthetic_ifindex": IFINDEX[SYNTHETIC],
            "vf_ifindex": IFINDEX[VF],
            "vf_dev": address + VF * ctypes.sizeof(Device),
            "synthetic_dev": address,
            "home_ifindex": IFINDEX[VF],
            "home_dev": address + VF * ctypes.sizeof(Device),
            "redirect_to": IFINDEX[SYNTHETIC],
            "plain_ifindex": IFINDEX[SYNTHETIC],
            "address": int.from_bytes(OWN_MAC, "little"),
            "armed": 1,
            "permitted": 1,
            "usable_since": LONG_AGO,
            "failures": 7,
        }
        known = {name for name, *_ in abi.PairState._fields_}
        state = abi.PairState(**{name: value for name, value in (whole | values).items() if name in known})
        ctypes.memmove(ctypes.addressof(self.pair), ctypes.addressof(state), ctypes.sizeof(state))

    def now(self, nanoseconds: int) -> None:
        """Set the clock."""
        self._now.value = nanoseconds

    def unregister(self, device: int) -> None:
        """The kernel has deleted its DEVMAP entry."""
        self._paths[0 if device == VF else abi.NIC_SLOTS] = _Entry()

    def misname(self, ifindex: int) -> None:
        """Let the DEVMAP name another device than the one that its entry leads to."""
        self._paths[0].ifindex = ifindex

    def do(self, work: Work) -> int:
        self._library.host_do(ctypes.byref(work))
        return int(work.answer)

    def control(self, command: ControlCommand, argument: int = 0) -> ControlResult:
        return ControlResult(self.do(control(command, argument)))

    def packet(self) -> bool:
        """Hand a packet to steer; return whether the VF gets it."""
        return self.do(happens(Event.PACKET)) == 7

    def happen(
        self, event: Event, device: int = VF, *, skipped: Skip = Skip.NOTHING, argument: int = 0
    ) -> None:
        self.do(happens(event, device, skipped=skipped, argument=argument))

    def guard_drops(self, frame: Frame, device: int = SYNTHETIC, *, in_fragments: int = 0) -> bool:
        """Hand a frame to guard, and how many bytes follow in other buffers; return whether it is dropped."""
        return bool(self._library.host_guard(_memory(frame), len(frame), in_fragments, IFINDEX[device]) == 1)

    def home_answers(self, frame: Frame, device: int = VF, *, vlan: int = 0) -> int:
        """Hand a frame to home; return its answer (TC_ACT_SHOT is 2, TC_ACT_REDIRECT 7).

        Its VLAN tag, if it has one, has been removed from the frame.
        """
        kind = _pkt_type(frame)
        return int(self._library.host_home(_memory(frame), len(frame), kind, vlan, IFINDEX[device]))

    def sends(self, frame: bytes) -> None:
        """Hand a frame to steer."""
        self._library.host_steer(frame, len(frame), IFINDEX[SYNTHETIC])

    def orders(self, cpus: Sequence[Sequence[Work]], begin: Callable[[], None]) -> Iterator[list[int]]:
        """Have what each CPU does happen in every order; yield each state at the end, by the CPUs' turns.

        `begin` sets the initial state, after reset(). Two orders that lead to the same state, without a
        difference visible to any CPU, are continued as one.
        """
        self.reset()
        begin()
        shared = (self.pair, self.devices)
        start = [bytes(one) for one in shared]
        works = [(Work * len(cpu))(*cpu) for cpu in cpus]
        known: set[object] = set()
        to_do = [b""]
        while to_do:
            turns = to_do.pop()
            for one, at_first in zip(shared, start, strict=True):
                ctypes.memmove(ctypes.addressof(one), at_first, len(at_first))
            self._library.fibers_reset()
            for number, cpu in enumerate(works):
                self._library.host_start(number, cpu, len(cpu))
            self._library.fibers_run(turns, len(turns))
            histories = [self._library.fiber_history(number) for number in range(len(works))]
            key = (bytes(self.pair), bytes(self.devices), *histories)
            if key in known:
                continue
            known.add(key)
            going_on = [cpu for cpu, history in enumerate(histories) if not history & 1]
            if not going_on:
                yield list(turns)
            to_do.extend(turns + bytes([cpu]) for cpu in going_on)

    def _name(self, slot: int, device: int) -> None:
        address = ctypes.addressof(self.devices) + device * ctypes.sizeof(Device)
        self._paths[slot] = _Entry(dev=address, ifindex=IFINDEX[device])


def _memory(frame: Frame) -> object:
    return frame if isinstance(frame, bytes) else (ctypes.c_char * len(frame)).from_buffer(frame)


def _pkt_type(frame: Frame) -> int:
    """Return what eth_type_trans() says: PACKET_HOST, _BROADCAST, _MULTICAST or _OTHERHOST."""
    target = frame[:6]
    if target[0] & 1:
        return 1 if target == b"\xff" * 6 else 2
    return 0 if target == OWN_MAC else 3


@cache
def _library(rung: int) -> ctypes.CDLL:
    """Compile the programs for a rung, with a call at each access to memory (-fsanitize=thread).

    With -O0, since gcc moves a load to where its value is first used, which makes some orders impossible.
    """
    with TemporaryDirectory(prefix="netvsc-bpf-programs-") as folder:
        made = Path(folder) / "programs.so"
        compiled = [Path(folder) / f"{name}.o" for name in ("host", "fibers")]
        common = ["gcc", "-c", "-fPIC", "-O0", "-w", f"-I{PROGRAMS}", f"-I{HERE}"]
        rungs = [f"-DRUNG={rung}", f"-DLIVENESS_FENTRY_NUMBER={abi.LIVENESSES.index(Liveness.FENTRY)}"]
        for command in (
            [*common, "-fsanitize=thread", *rungs, str(HERE / "host.c"), "-o", str(compiled[0])],
            [*common, str(HERE / "fibers.c"), "-o", str(compiled[1])],
            ["gcc", "-shared", "-Wl,-z,defs", *map(str, compiled), "-o", str(made)],
        ):
            subprocess.run(command, check=True)
        return ctypes.CDLL(str(made))
