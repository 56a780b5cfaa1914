# SPDX-License-Identifier: GPL-2.0-only
"""Reads tag, number of runs and run time of loaded programs."""

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, pair_programs, pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins

STATS_ENABLED = Path("/proc/sys/kernel/bpf_stats_enabled")


@dataclass(frozen=True, slots=True)
class ProgramStats:
    """One program. The kernel counts runs only while bpf_stats is enabled, which netvsc-bpf never does."""

    name: str
    id: int
    tag: str
    """The kernel's hash of the instructions, in hex."""
    runs: int
    run_ns: int


class _ProgInfo(ctypes.Structure):
    """The beginning of struct bpf_prog_info up to run_cnt (include/uapi/linux/bpf.h, Linux 5.1)."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("tag", ctypes.c_uint8 * 8),
        ("not_asked_for", ctypes.c_uint8 * 176),  # lengths and pointers: 0, so nothing is written there
        ("run_time_ns", ctypes.c_uint64),
        ("run_cnt", ctypes.c_uint64),
    ]


def read_programs(where: NetnsPins, ifindexes: Iterable[int]) -> Iterator[ProgramStats]:
    """Return the programs of a network namespace, with the runs summed over all pairs' copies.

    Copies are read only if the kernel counts runs, or has counted some for the first pair. Raises OSError.
    """
    pairs = list(ifindexes)
    for name in pin_files.names(where.object / "programs"):
        shared, own = read_program(where.program(name)), []
        if name in pair_programs.PROGRAMS:
            own = _copies(where, name, pairs[:1])
            if stats_enabled() or any(one.runs for one in own):
                own += _copies(where, name, pairs[1:])
        runs, run_ns = (sum(getattr(one, what) for one in (shared, *own)) for what in ("runs", "run_ns"))
        yield replace(shared, runs=runs, run_ns=run_ns)


def _copies(where: NetnsPins, name: str, ifindexes: Iterable[int]) -> list[ProgramStats]:
    found = []
    for ifindex in ifindexes:
        with suppress(FileNotFoundError):  # the pair does not use it, or is being detached
            found.append(read_program(where.copy(ifindex, name)))
    return found


def read_program(path: Path) -> ProgramStats:
    """Return the statistics of the program pinned at `path`. Raises OSError."""
    with pin_files.got(path) as fd:
        info = libbpf.info(fd, _ProgInfo)
    return ProgramStats(path.name, info.id, bytes(info.tag).hex(), info.run_cnt, info.run_time_ns)


def stats_enabled(path: Path = STATS_ENABLED) -> bool:
    """Return whether kernel.bpf_stats_enabled is set; BPF_ENABLE_STATS is not visible here."""
    try:
        return path.read_text().strip() == "1"
    except (FileNotFoundError, PermissionError):
        return False  # no such sysctl, or not readable
