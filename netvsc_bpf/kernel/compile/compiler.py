# SPDX-License-Identifier: GPL-2.0-only
"""Compiles the programs of a fallback level in a child process, or takes them from the cache."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from netvsc_bpf.kernel.compile import compile_cache
from netvsc_bpf.kernel.compile.child import Request
from netvsc_bpf.kernel.compile.child_process import CompileChild, Died
from netvsc_bpf.kernel.compile.compiled import Compiled, program_names
from netvsc_bpf.kernel.compile.source_digest import compiler_input
from netvsc_bpf.model import errors
from netvsc_bpf.model.path import Liveness

_WHAT = "cannot compile the programs"


@dataclass(frozen=True, slots=True)
class Build:
    """Programs that are ready to be loaded."""

    liveness: Liveness
    number: int
    """A digest of what they were compiled from (source_digest.py)."""
    compiled: Compiled


def build(liveness: Liveness, early: CompileChild | None = None) -> Build:
    """Return the installed sources compiled for this kernel and fallback level.

    `early` is a child that was started before; it is ended where it is not needed. Raises NoBtf, KernelError,
    BccMissing, and CompileError, which has the compiler's log.
    """
    given = compiler_input(liveness)
    key = compile_cache.key(given.text, given.replacement_headers, given.macros)
    compiled = compile_cache.find(key)
    if compiled is None:
        names = tuple(program_names(liveness))
        compiled = _compiled(Request(os.getpid(), str(given.sources), given.text, given.macros, names), early)
        compile_cache.keep(key, compiled)
    return Build(liveness, given.build, compiled)


def _compiled(request: Request, early: CompileChild | None) -> Compiled:
    with early or CompileChild() as child:
        try:
            said = child.ask(json.dumps(asdict(request)))
        except TimeoutError as error:
            raise errors.CompileError(_WHAT, str(error)) from None
    if isinstance(said, Died):
        why = f"the compiler ended with status {said.status}"
        raise errors.CompileError(_WHAT, why, "see the log with --verbose", log=said.output)
    answer = json.loads(said)
    if "error" in answer:
        raise _rebuilt(answer)
    return Compiled.from_json(answer)


def _rebuilt(answer: dict[str, Any]) -> errors.NetvscBpfError:
    """Return the child's error with its original type."""
    kind = getattr(errors, answer["error"])
    arguments = (answer["what"], answer["why"], answer["remedy"])
    if kind is errors.CompileError:
        return errors.CompileError(*arguments, log=answer["log"])
    of_kernel = {"errno": answer["errno"]} if issubclass(kind, errors.KernelError) else {}
    error: errors.NetvscBpfError = kind(*arguments, **of_kernel)
    return error
