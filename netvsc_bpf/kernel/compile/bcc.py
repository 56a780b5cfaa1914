# SPDX-License-Identifier: GPL-2.0-only
"""Wraps bcc for the compile child; no other module imports bcc."""

import ctypes
import os
import site
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from netvsc_bpf.kernel.bpf import map_addresses, subprograms
from netvsc_bpf.kernel.bpf.kfunc_calls import ReadOnlyCast
from netvsc_bpf.kernel.compile.drop_root import not_root
from netvsc_bpf.kernel.process.errnos import is_transient
from netvsc_bpf.model.errors import BccMissing, CompileError, KernelError


class Module:
    """A compiled bcc module."""

    def __init__(self, bpf: Any, library: Any, cast: ReadOnlyCast | None) -> None:
        self._bpf = bpf
        self._library = library
        self._cast = cast

    def map_fd(self, name: str) -> int:
        """Return the descriptor of a map, which bcc owns."""
        fd: int = self._bpf.get_table(name).map_fd
        return fd

    def tracing_function(self, kernel_function: str, *, returning: bool) -> str:
        """Return bcc's name for a KFUNC_PROBE or KRETFUNC_PROBE; since 0.29 it includes the module."""
        prefix = "kretfunc__" if returning else "kfunc__"
        names = (
            self._bpf_functions(index) for index in range(self._library.bpf_num_functions(self._bpf.module))
        )
        return next(
            name for name in names if name.startswith(prefix) and name.endswith(f"__{kernel_function}")
        )

    def _bpf_functions(self, index: int) -> str:
        name: bytes = self._library.bpf_function_name(self._bpf.module, index)
        return name.decode()

    def template(self, function: str, maps: Iterable[str]) -> bytes:
        """Return a program's instructions as bpf/program_templates.py keeps them. Raises CompileError."""
        code = self._instructions(function)
        if subprograms.needs_rest(code):
            code = subprograms.linked(code, self._instructions(f"{function}_rest"))
        code = self._named(code)
        try:
            return map_addresses.symbolic(code, {self.map_fd(name): name for name in maps})
        except ValueError as error:
            raise CompileError(f"cannot use program {function}", str(error)) from error

    def load(self, function: str, kind: str) -> int:
        """Load one program through the verifier and return its descriptor.

        Raises CompileError, and KernelError for transient failures (kernel/process/errnos.py).
        """
        self._complete(function)
        try:
            fd: int = self._bpf.load_func(function, getattr(self._bpf, kind)).fd
        except Exception as error:  # bcc raises nothing more precise
            what, number = f"cannot load program {function}", ctypes.get_errno()
            refusal = OSError(number, os.strerror(number))
            if is_transient(refusal):
                raise KernelError(what, os.strerror(number), errno=number) from error
            raise CompileError(what, str(error), "report it with --verbose") from error
        return fd

    def _complete(self, function: str) -> None:
        """Replace the placeholders in bcc's copy of the instructions, which it loads with their BTF."""
        code = self._named(map_addresses.addressed(self._instructions(function), self.map_fd))
        start = self._library.bpf_function_start(self._bpf.module, function.encode())
        ctypes.memmove(start, code, len(code))

    def _instructions(self, function: str) -> bytes:
        name = function.encode()
        start = self._library.bpf_function_start(self._bpf.module, name)
        size = self._library.bpf_function_size(self._bpf.module, name)
        return ctypes.string_at(start, size) if start else b""

    def _named(self, code: bytes) -> bytes:
        return code if self._cast is None else self._cast.named(code)


def import_early() -> None:
    """Import bcc before there is anything to compile. What is missing is reported when there is."""
    with suppress(ImportError):
        _import()


def _import() -> tuple[Any, Any]:
    """Import the distribution's bcc: the child starts without the site module (child_environment.py)."""
    sys.path += [path for path in site.getsitepackages() if path not in sys.path]
    from bcc import BPF, lib

    return BPF, lib


def compile_text(sources: Path, text: str, macros: dict[str, int]) -> Module:
    """Compile a C text; `sources` is the folder of the headers that it includes.

    Raises BccMissing, CompileError.
    """
    os.environ["BCC_KERNEL_SOURCE"] = str(sources)  # bcc looks for <here>/include
    try:
        bpf, library = _import()
    except ImportError as error:
        raise BccMissing(
            "cannot compile", f"python3-bpfcc is missing ({error})", "run `apt-get install python3-bpfcc`"
        ) from error

    class Unattached(bpf):  # type: ignore[misc,valid-type]
        """BPF without bcc's automatic attachment of functions that have a tracing name."""

        def _trace_autoload(self) -> None:
            return

    flags = ["-nostdinc", *(f"-D{name}={value}" for name, value in macros.items())]
    try:
        # As root bcc reads all of /proc/kallsyms (bcc_procutils_each_ksym(), src/cc/bcc_proc.c), to find a
        # helper that the programs do not use: more than a third of the total time.
        with not_root():
            compiled = Unattached(text=text, cflags=flags)
        return Module(compiled, library, ReadOnlyCast.of_macros(macros))
    except Exception as error:  # bcc raises nothing more precise
        raise CompileError("cannot compile the programs", str(error), "report it with --verbose") from error
