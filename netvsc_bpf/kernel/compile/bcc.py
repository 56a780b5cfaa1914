# SPDX-License-Identifier: GPL-2.0-only
"""Wraps bcc for the compile child; no other module imports bcc."""

import ctypes
import os
import site
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from netvsc_bpf.kernel.bpf import map_addresses, map_specs, subprograms
from netvsc_bpf.kernel.bpf.fentry_links import HOOKS
from netvsc_bpf.kernel.bpf.kfunc_calls import ReadOnlyCast
from netvsc_bpf.kernel.compile.compiled import MAPS, Compiled
from netvsc_bpf.kernel.compile.drop_root import not_root
from netvsc_bpf.model.errors import BccMissing, CompileError


class Module:
    """A compiled bcc module. Its maps exist until this process ends."""

    def __init__(self, bpf: Any, library: Any, cast: ReadOnlyCast | None) -> None:
        self._bpf = bpf
        self._library = library
        self._cast = cast

    def compiled(self, programs: Iterable[str]) -> Compiled:
        """Return its maps and these programs. Raises CompileError, OSError."""
        fds = {name: self._bpf.get_table(name).map_fd for name in MAPS}
        specs = tuple(map_specs.describe(name, fd) for name, fd in fds.items())
        names = {fd: name for name, fd in fds.items()}
        return Compiled(specs, map_specs.own_btf(), {name: self._program(name, names) for name in programs})

    def _program(self, name: str, maps: Mapping[int, str]) -> bytes:
        function = self._tracing_function(*HOOKS[name]) if name in HOOKS else name
        code = self._instructions(function)
        if subprograms.needs_rest(code):
            code = subprograms.linked(code, self._instructions(f"{function}_rest"))
        if self._cast is not None:
            code = self._cast.named(code)
        try:
            return map_addresses.symbolic(code, maps)
        except ValueError as error:
            raise CompileError(f"cannot use program {name}", str(error)) from error

    def _tracing_function(self, kernel_function: str, returning: bool) -> str:
        """Return bcc's name for a KFUNC_PROBE or KRETFUNC_PROBE; since 0.29 it includes the module."""
        prefix = "kretfunc__" if returning else "kfunc__"
        module = self._bpf.module
        count = self._library.bpf_num_functions(module)
        names: list[bytes] = [self._library.bpf_function_name(module, index) for index in range(count)]
        return next(
            name
            for name in map(bytes.decode, names)
            if name.startswith(prefix) and name.endswith(f"__{kernel_function}")
        )

    def _instructions(self, function: str) -> bytes:
        name = function.encode()
        start = self._library.bpf_function_start(self._bpf.module, name)
        size = self._library.bpf_function_size(self._bpf.module, name)
        return ctypes.string_at(start, size) if start else b""


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
