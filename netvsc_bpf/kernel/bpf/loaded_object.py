# SPDX-License-Identifier: GPL-2.0-only
"""The loaded object of one network namespace: typed access to its maps, programs and control program."""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from netvsc_bpf.kernel.bpf import abi, fentry_links, libbpf, map_addresses, pin_files
from netvsc_bpf.kernel.bpf.mapped_arrays import Table
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.bpf.program_ahead import ProgramAhead
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.cpus import possible_cpus
from netvsc_bpf.model.errors import ForeignLayout, KernelError
from netvsc_bpf.model.path import Liveness

_ARRAY, _DEVMAP = 2, 14  # enum bpf_map_type
_MMAPABLE = 1 << 10  # BPF_F_MMAPABLE


@dataclass(frozen=True, slots=True)
class _Shape:
    """The expected type and size of a map."""

    type: int
    value: int
    """Bytes."""
    entries: int = 1


def _shapes(cpus: int) -> dict[str, _Shape]:
    return {
        "pairs": _Shape(_ARRAY, abi.NIC_SLOTS * ctypes.sizeof(abi.PairState)),
        "paths": _Shape(_DEVMAP, ctypes.sizeof(ctypes.c_uint32), 2 * abi.NIC_SLOTS),
        "homes": _Shape(_ARRAY, abi.NIC_SLOTS * ctypes.sizeof(abi.Home)),
        "counters": _Shape(
            _ARRAY, map_addresses.cpu_slots(cpus) * abi.NIC_SLOTS * ctypes.sizeof(abi.Counters)
        ),
        "evidence": _Shape(_ARRAY, abi.NIC_SLOTS * ctypes.sizeof(abi.Evidence)),
        "found_state": _Shape(_ARRAY, ctypes.sizeof(abi.Found), abi.NIC_SLOTS),
        "layout": _Shape(_ARRAY, ctypes.sizeof(abi.Layout)),
    }


_Value = TypeVar("_Value", bound=ctypes.Structure)


class _SkbContext(ctypes.Structure):
    """The beginning of struct __sk_buff; cb contains the command."""

    _fields_ = [
        ("before", ctypes.c_uint32 * 12),
        ("cb", ctypes.c_uint32 * 5),
        ("after", ctypes.c_uint32 * 31),
    ]


class LoadedObject:
    """The pinned maps and programs of this thread's network namespace, opened and verified.

    Close it after use.
    """

    def __init__(self, pins: NetnsPins) -> None:
        self.pins = pins
        self._fds: dict[Path, int] = {}
        self._maps: dict[str, int] = {}
        self._tables: dict[str, Table] = {}
        self.ahead: dict[tuple[int, str], ProgramAhead] = {}
        """Copies that are being loaded, by slot and name (pair_programs.loading_ahead())."""
        self._cpus = possible_cpus()
        self._shapes = _shapes(self._cpus)
        try:
            for name, shape in self._shapes.items():
                self._check(name, shape)
            layout = self._read("layout", 0, abi.Layout())
            if layout.magic != abi.ABI_MAGIC or layout.version != abi.ABI_VERSION:
                raise self._foreign(
                    f"its layout has version {layout.version}, not {abi.ABI_VERSION} as in this netvsc-bpf"
                )
            if not 0 < layout.liveness < len(abi.LIVENESSES):
                raise self._foreign(f"its liveness {layout.liveness} is unknown")
        except BaseException:
            self.close()
            raise
        self.liveness: Liveness = abi.LIVENESSES[layout.liveness] or Liveness.NETLINK
        self.build = int(layout.build)
        """The build of the programs (netvsc_bpf/kernel/compile/source_digest.py), 0 if unknown."""
        self.stale = layout.netns_cookie != namespaces.current_cookie()
        """True if the pins belong to an earlier namespace that had the same inode number."""

    def __enter__(self) -> "LoadedObject":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all descriptors; the pins stay."""
        self._maps.clear()
        while self._tables:
            self._tables.popitem()[1].close()
        while self._fds:
            os.close(self._fds.popitem()[1])

    def program(self, name: str) -> int:
        """Return the descriptor of a pinned program."""
        return self._open(self.pins.program(name))

    def map_fd(self, name: str) -> int:
        """Return the descriptor of a pinned map."""
        fd = self._maps.get(name)
        if fd is None:  # computing the path costs more than the lookup
            fd = self._maps[name] = self._open(self.pins.map(name))
        return fd

    @property
    def lost_sentinel(self) -> tuple[str, ...]:
        """The links of the sentinel that are currently missing."""
        return fentry_links.missing(self.pins, self.liveness)

    @property
    def blind(self) -> bool:
        """Whether the kernel does not detect a VF failure by itself, so that userspace has to."""
        if self.liveness is Liveness.FENTRY:
            return bool(self.lost_sentinel)
        return self.liveness is Liveness.NETLINK

    def set_build(self, build: int) -> None:
        """Store the current build of the programs."""
        layout = self._read("layout", 0, abi.Layout())
        layout.build = build
        self._write("layout", 0, layout)
        self.build = build

    def pair(self, slot: int) -> abi.PairState:
        """Read the state of one pair; synthetic_ifindex is 0 if the slot is free."""
        return self._table("pairs").read(abi.PairState, slot)

    def set_pair(self, slot: int, state: abi.PairState) -> None:
        """Write a whole pair: only before anything of it is attached, or after everything is detached."""
        self._table("pairs").write(slot, state)

    def home(self, slot: int) -> abi.Home:
        """Read the VF of a slot, and its pair; vf_ifindex is 0 if the slot is free."""
        return self._table("homes").read(abi.Home, slot)

    def set_home(self, slot: int, home: abi.Home) -> None:
        """Write the VF of a slot, and its pair."""
        self._table("homes").write(slot, home)

    def found(self, slot: int) -> abi.Found:
        """Read the original settings of a pair's NICs."""
        return self._read("found_state", slot, abi.Found())

    def set_found(self, slot: int, found: abi.Found) -> None:
        """Store the original settings of a pair's NICs."""
        self._write("found_state", slot, found)

    def vf_ifindex(self, slot: int) -> int | None:
        """Return the VF that the DEVMAP names, None if there is none or it was unregistered."""
        return self._device(slot)

    def synthetic_ifindex(self, slot: int) -> int | None:
        """Return the synthetic NIC that the DEVMAP names, None if it is gone or left this namespace."""
        return self._device(abi.NIC_SLOTS + slot)

    def _device(self, entry: int) -> int | None:
        value = ctypes.c_uint32()
        try:
            libbpf.map_lookup(self.map_fd("paths"), entry, value)
        except FileNotFoundError:
            return None
        return value.value

    def set_vf(self, slot: int, ifindex: int) -> None:
        """Put a VF of this thread's network namespace into the DEVMAP.

        Raises OSError: ENODEV or EINVAL if it is gone.
        """
        libbpf.map_update(self.map_fd("paths"), slot, ctypes.c_uint32(ifindex))

    def clear_vf(self, slot: int) -> None:
        """Delete the VF from the DEVMAP; does nothing if there is none."""
        self._clear_device(slot)

    def set_synthetic(self, slot: int, ifindex: int) -> None:
        """Put a synthetic NIC of this thread's network namespace into the DEVMAP. Raises as set_vf() does."""
        libbpf.map_update(self.map_fd("paths"), abi.NIC_SLOTS + slot, ctypes.c_uint32(ifindex))

    def clear_synthetic(self, slot: int) -> None:
        """Delete the synthetic NIC from the DEVMAP; does nothing if there is none."""
        self._clear_device(abi.NIC_SLOTS + slot)

    def _clear_device(self, entry: int) -> None:
        try:
            libbpf.map_delete(self.map_fd("paths"), entry)
        except FileNotFoundError:
            return

    def counters(self, slot: int) -> abi.Counters:
        """Read a pair's counters, summed over all possible CPUs."""
        table, rows = self._table("counters"), range(slot, self._cpus * abi.NIC_SLOTS, abi.NIC_SLOTS)
        # struct counters has only u64 members, so it is summed as rows of numbers: a scrape reads many.
        numbers = [memoryview(table.read(abi.Counters, row)).cast("B").cast("Q") for row in rows]
        sums = (ctypes.c_uint64 * len(numbers[0]))(*map(sum, zip(*numbers, strict=True)))
        return abi.Counters.from_buffer(sums)

    def clear_counters(self, slot: int) -> None:
        """Set the counters of a slot to zero on every CPU."""
        for row in range(slot, self._cpus * abi.NIC_SLOTS, abi.NIC_SLOTS):
            self._table("counters").write(row, abi.Counters())

    def clear_evidence(self, slot: int) -> None:
        """Forget what was seen of the frames of an earlier pair in this slot."""
        self._table("evidence").write(slot, abi.Evidence())

    def control(self, command: abi.ControlCommand, slot: int, argument: int = 0) -> abi.ControlResult:
        """Run the control program: the only way to change a pair while packets flow (ebpf/control.c)."""
        context = _SkbContext()
        context.cb[0], context.cb[1] = command, slot
        context.cb[2], context.cb[3] = argument & 0xFFFFFFFF, argument >> 32
        try:
            answer, _ = libbpf.test_run(self.program("control"), bytes(64), context)
        except OSError as error:
            raise KernelError(
                f"cannot run control command {command.name.lower()}",
                os.strerror(error.errno or 0),
                errno=error.errno,
            ) from error
        return abi.ControlResult(answer)

    def _table(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = Table(self.map_fd(name), self._shapes[name].value)
        return table

    def _read(self, name: str, slot: int, value: _Value) -> _Value:
        libbpf.map_lookup(self.map_fd(name), slot, value)
        return value

    def _write(self, name: str, slot: int, value: Any) -> None:
        libbpf.map_update(self.map_fd(name), slot, value)

    def _open(self, path: Path) -> int:
        if path not in self._fds:
            try:
                self._fds[path] = pin_files.get(path)
            except (FileNotFoundError, NotADirectoryError):
                raise self._foreign(f"{path} is missing") from None
            except PermissionError:
                if path.is_file():
                    raise
                raise self._foreign(f"{path} is not a pin") from None  # a folder, for example
        return self._fds[path]

    def _check(self, name: str, shape: _Shape) -> None:
        info = libbpf.info(self.map_fd(name), libbpf.MapInfo)
        seen = _Shape(info.type, info.value_size, info.max_entries)
        mapped = name not in map_addresses.MAPS or info.map_flags & _MMAPABLE
        if (seen, info.key_size) != (shape, 4) or not mapped:
            raise self._foreign(f"map {name} has another type or size")

    def _foreign(self, why: str) -> ForeignLayout:
        return ForeignLayout(
            f"cannot use {self.pins.object}",
            why,
            "take it down with `netvsc-bpf detach --all`, then attach again",
        )
