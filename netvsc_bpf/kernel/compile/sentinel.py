# SPDX-License-Identifier: GPL-2.0-only
"""Loads and attaches the sentinel's programs."""

import os
from collections.abc import Mapping
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, pin_files, pins, program_load
from netvsc_bpf.kernel.bpf.btf import Btf
from netvsc_bpf.kernel.bpf.fentry_links import HOOKS, TRACEPOINTS
from netvsc_bpf.kernel.bpf.program_load import ProgramKind
from netvsc_bpf.kernel.process.errnos import is_transient
from netvsc_bpf.model.errors import CompileError

Codes = Mapping[str, bytes]
"""Instructions with placeholders for maps, by the name of the link."""
MapFds = Mapping[str, int]


def attach(codes: Codes, fds: MapFds, folder: Path) -> str | None:
    """Attach the tracing programs, pinned in `folder`; if the kernel refuses, return why.

    None stays attached then. Raises NoBtf, and KernelError and OSError for transient failures.
    """
    pinned: list[Path] = []
    targets = _targets()
    for hook, (function, returning) in HOOKS.items():
        try:
            target = targets[function]
            if target is None:
                raise CompileError(f"cannot load program {hook}", f"the kernel's BTF has no {function}")
            attach_type = libbpf.TRACE_FEXIT if returning else libbpf.TRACE_FENTRY
            kind = ProgramKind(libbpf.TRACING_PROGRAM, attach_type, target)
            with program_load.loaded(kind, hook, codes[hook], fds.__getitem__) as program:
                _pin_link(libbpf.raw_tracepoint_open(None, program), folder / hook)
        except (CompileError, OSError) as error:
            for path in pinned:
                pin_files.unlink(path)
            if is_transient(error):
                raise
            return error.why if isinstance(error, CompileError) else str(error)
        pinned.append(folder / hook)
    return None


def attach_tracepoints(codes: Codes, fds: MapFds, folder: Path) -> None:
    """Attach the programs for transmit timeouts and drops. Raises CompileError, KernelError, OSError."""
    for tracepoint in TRACEPOINTS:
        kind = ProgramKind(libbpf.RAW_TRACEPOINT_PROGRAM)
        with program_load.loaded(kind, tracepoint, codes[tracepoint], fds.__getitem__) as program:
            _pin_link(libbpf.raw_tracepoint_open(tracepoint, program), folder / tracepoint)


def _targets() -> dict[str, int | None]:
    """Return the BTF ids of the functions that the programs are attached to. Raises NoBtf."""
    with Btf.of_kernel() as btf:
        return {function: btf.function(function) for function, _ in HOOKS.values()}


def _pin_link(link: int, pin: Path) -> None:
    try:
        pins.make(link, pin)
    finally:
        os.close(link)
