# SPDX-License-Identifier: GPL-2.0-only
"""Programs of which each pair has a copy of its own: steer, home and guard.

A copy has its pair baked in: the address of the pair's entry in `pairs` and in `counters`, and its slot
(ebpf/maps.h, own_pair()). Compiling for each pair would take half a second. So the compile child leaves the
instructions in the kernel, each program's in an array of one entry that is frozen: what nobody can change
any more. Whoever attaches a pair reads them, puts the pair's numbers in (map_addresses.py) and loads the
result, without bcc and within a millisecond.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, map_addresses, pin_files, pins
from netvsc_bpf.kernel.bpf.map_addresses import MapFd
from netvsc_bpf.kernel.process.errnos import is_transient
from netvsc_bpf.model.errors import CompileError, ForeignLayout, KernelError

KINDS = {
    "steer": libbpf.SCHED_CLS_PROGRAM,
    "home": libbpf.SCHED_CLS_PROGRAM,
    "guard": libbpf.XDP_PROGRAM,
}
"""The programs, and of which enum bpf_prog_type they are."""


def write(name: str, code: bytes, pin: Path) -> None:
    """Leave a program's instructions, with numbers for maps and pair, in a frozen map. Raises KernelError."""
    fd = libbpf.array_create(f"{name}_template", len(code))
    try:
        libbpf.map_update(fd, 0, ctypes.create_string_buffer(code, len(code)))
        libbpf.map_freeze(fd)
        pins.make(fd, pin)
    finally:
        os.close(fd)


def read(pin: Path) -> bytes:
    """Return what write() left. Raises ForeignLayout where there is none."""
    try:
        with pin_files.got(pin) as fd:
            code = ctypes.create_string_buffer(libbpf.info(fd, libbpf.MapInfo).value_size)
            libbpf.map_lookup(fd, 0, code)
    except FileNotFoundError:
        remedy = "take it down with `netvsc-bpf detach --all`, then attach again"
        raise ForeignLayout(f"cannot use {pin.parent}", f"{pin} is missing", remedy) from None
    return code.raw


@contextmanager
def loaded(name: str, code: bytes, map_fd: MapFd, slot: int) -> Iterator[int]:
    """Load the copy of the pair in this slot; give its descriptor.

    Raises CompileError with the verifier's log, and KernelError for want of memory and the like.
    """
    completed = map_addresses.addressed(code, map_fd, slot)
    try:
        fd = libbpf.prog_load(KINDS[name], name, completed)
    except OSError as error:
        what = f"cannot load program {name}"
        if is_transient(error):
            raise KernelError(what, os.strerror(error.errno or 0), errno=error.errno) from error
        raise CompileError(
            what,
            os.strerror(error.errno or 0),
            "report it with --verbose",
            log=libbpf.verifier_log(KINDS[name], name, completed),
        ) from error
    try:
        yield fd
    finally:
        os.close(fd)
