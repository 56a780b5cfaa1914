# SPDX-License-Identifier: GPL-2.0-only
"""Loads a program of netvsc-bpf through the verifier."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from netvsc_bpf.kernel.bpf import libbpf, map_addresses, xdp_fragments
from netvsc_bpf.kernel.bpf.map_addresses import MapFd
from netvsc_bpf.kernel.process.errnos import is_transient
from netvsc_bpf.model.errors import CompileError, KernelError


@dataclass(frozen=True, slots=True)
class ProgramKind:
    """An enum bpf_prog_type; for tracing programs also enum bpf_attach_type and the function's BTF id."""

    type: int
    attach_type: int = 0
    btf_id: int = 0


@contextmanager
def loaded(
    kind: ProgramKind, name: str, code: bytes, map_fd: MapFd, slot: int | None = None
) -> Iterator[int]:
    """Load a program for the block and give its descriptor; the kernel keeps 15 characters of the name.

    `code` has placeholders for maps and, for the copy of a pair, for what belongs to its slot
    (map_addresses.py). Raises CompileError with the verifier's log, and KernelError for transient failures.
    """
    with verified(kind, name, map_addresses.addressed(code, map_fd, slot)) as fd:
        yield fd


@contextmanager
def verified(kind: ProgramKind, name: str, code: bytes) -> Iterator[int]:
    """Load a program without placeholders for the block and give its descriptor. Raises as loaded() does."""
    fd = _load(kind, name, code)
    try:
        yield fd
    finally:
        os.close(fd)


def _load(kind: ProgramKind, name: str, code: bytes) -> int:
    details = {
        "attach_type": kind.attach_type,
        "btf_id": kind.btf_id,
        "flags": xdp_fragments.load_flags(code),
    }
    try:
        return libbpf.prog_load(kind.type, name, code, **details)
    except OSError as error:
        what, why = f"cannot load program {name}", os.strerror(error.errno or 0)
        if is_transient(error):
            raise KernelError(what, why, errno=error.errno) from error
        log = libbpf.verifier_log(kind.type, name, code, **details)
        raise CompileError(what, why, "report it with --verbose", log=log) from error
