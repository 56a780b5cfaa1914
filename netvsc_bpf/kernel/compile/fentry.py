# SPDX-License-Identifier: GPL-2.0-only
"""Attaches the sentinel's programs."""

from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, pin_files, pins
from netvsc_bpf.kernel.bpf.fentry_links import HOOKS, TRACEPOINTS
from netvsc_bpf.kernel.compile.bcc import Module
from netvsc_bpf.kernel.process.errnos import is_transient
from netvsc_bpf.model.errors import CompileError


def attach(module: Module, folder: Path) -> str | None:
    """Attach the tracing programs, pinned in `folder`; if the kernel refuses, return why.

    None stays attached then. Raises KernelError and OSError for transient failures.
    """
    pinned: list[Path] = []
    for hook, (function, returning) in HOOKS.items():
        try:
            program = module.load(module.tracing_function(function, returning=returning), "TRACING")
            link = libbpf.raw_tracepoint_open(None, program)
        except (CompileError, OSError) as error:
            for path in pinned:
                pin_files.unlink(path)
            if is_transient(error):
                raise
            return error.why if isinstance(error, CompileError) else str(error)
        pins.make(link, folder / hook)
        pinned.append(folder / hook)
    return None


def attach_tracepoints(module: Module, folder: Path) -> None:
    """Attach the programs for transmit timeouts and drops. Raises CompileError, KernelError."""
    for tracepoint in TRACEPOINTS:
        program = module.load(tracepoint, "RAW_TRACEPOINT")
        pins.make(libbpf.raw_tracepoint_open(tracepoint, program), folder / tracepoint)
