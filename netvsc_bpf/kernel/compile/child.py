# SPDX-License-Identifier: GPL-2.0-only
"""The child process that compiles.

Importing bcc takes 65 MB and compiling 120 MB, too much for a long-running process. The request is JSON on
stdin, which is a socket, up to its end; the answer is sent back there. Output of bcc is captured and becomes
the `log` of a CompileError. What bcc creates in the kernel ends with this process.
"""

import ctypes
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netvsc_bpf.kernel.compile.bcc import compile_text, import_early
from netvsc_bpf.kernel.compile.compiled import dumped
from netvsc_bpf.model.errors import CompileError, KernelError, NetvscBpfError

_CHUNK = 1 << 16
_PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h


@dataclass(frozen=True, slots=True)
class Request:
    """What to compile: a C text with macros, and which of its programs are wanted.

    `sources` is the folder of the headers that the text includes, `parent` the process that asks.
    """

    parent: int
    sources: str
    text: str
    macros: dict[str, int]
    programs: tuple[str, ...]


def main() -> None:
    """Answer one request; the exit status is 0 whenever there is an answer."""
    import_early()
    requests = socket.socket(fileno=os.dup(0))
    text = b"".join(iter(lambda: requests.recv(_CHUNK), b""))
    if not text:
        return  # nothing is to be compiled
    request = Request(**json.loads(text))
    _die_with(request.parent)
    # Not a temporary file: there may be no writable folder.
    log = os.memfd_create("netvsc-bpf-log", os.MFD_CLOEXEC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        module = compile_text(Path(request.sources), request.text, request.macros)
        result: dict[str, Any] = module.compiled(request.programs).to_json()
    except NetvscBpfError as error:
        if isinstance(error, CompileError):
            os.write(1, error.log.encode(errors="replace"))
        result = _as_answer(error)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        result = _as_answer(KernelError("cannot compile the programs", why, errno=error.errno))
    os.lseek(log, 0, os.SEEK_SET)
    with os.fdopen(log, "rb") as written:
        result["log"] = written.read().decode(errors="replace")
    requests.sendall(dumped(result))
    os._exit(0)  # freeing what LLVM holds takes longer than the kernel takes for it


def _as_answer(error: NetvscBpfError) -> dict[str, Any]:
    return {
        "error": type(error).__name__,
        "what": error.what,
        "why": error.why,
        "remedy": error.remedy,
        "errno": error.errno if isinstance(error, KernelError) else None,
    }


def _die_with(parent: int) -> None:
    """Have the kernel kill this process with its parent, which then does not wait for the answer."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)  # the parent has ended before prctl()
