# SPDX-License-Identifier: GPL-2.0-only
"""Templates of the programs of which each pair has its own copy: steer, home and guard.

A copy contains the addresses of the pair's entry in `pairs` and in `counters`, and its slot (ebpf/maps.h,
own_pair()). Compiling for each pair would take half a second. So the compile child stores the instructions of
each program in the kernel, in a frozen, immutable array of one entry. To attach a pair, they are read,
completed with the pair's values (map_addresses.py) and loaded, without bcc and within a millisecond.
"""

import ctypes
import os
from contextlib import AbstractContextManager
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, map_addresses, pin_files, pins, program_load
from netvsc_bpf.kernel.bpf.map_addresses import MapFd
from netvsc_bpf.kernel.bpf.program_ahead import ProgramAhead
from netvsc_bpf.kernel.bpf.program_load import ProgramKind
from netvsc_bpf.model.errors import ForeignLayout

KINDS = {
    "steer": libbpf.SCHED_CLS_PROGRAM,
    "home": libbpf.SCHED_CLS_PROGRAM,
    "guard": libbpf.XDP_PROGRAM,
}
"""The programs, and their enum bpf_prog_type."""


def write(name: str, code: bytes, pin: Path) -> None:
    """Pin a program's instructions, with placeholders, in a frozen map. Raises KernelError."""
    fd = libbpf.array_create(f"{name}_template", len(code))
    try:
        libbpf.map_update(fd, 0, ctypes.create_string_buffer(code, len(code)))
        libbpf.map_freeze(fd)
        pins.make(fd, pin)
    finally:
        os.close(fd)


def read(pin: Path) -> bytes:
    """Return the instructions that write() has pinned. Raises ForeignLayout if there are none."""
    try:
        with pin_files.got(pin) as fd:
            code = ctypes.create_string_buffer(libbpf.info(fd, libbpf.MapInfo).value_size)
            libbpf.map_lookup(fd, 0, code)
    except FileNotFoundError:
        remedy = "take it down with `netvsc-bpf detach --all`, then attach again"
        raise ForeignLayout(f"cannot use {pin.parent}", f"{pin} is missing", remedy) from None
    return code.raw


def loaded(name: str, code: bytes, map_fd: MapFd, slot: int) -> AbstractContextManager[int]:
    """Load the copy for the pair in this slot, for a block; see program_load.loaded()."""
    return program_load.loaded(ProgramKind(KINDS[name]), name, code, map_fd, slot)


def ahead(name: str, code: bytes, map_fd: MapFd, slot: int) -> ProgramAhead:
    """Begin to load the copy for the pair in this slot, in a thread of its own."""
    kind, complete = ProgramKind(KINDS[name]), map_addresses.addressed(code, map_fd, slot)
    return ProgramAhead(lambda: program_load.verified(kind, name, complete))
