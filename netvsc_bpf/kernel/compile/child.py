# SPDX-License-Identifier: GPL-2.0-only
"""The child process that compiles, loads and pins.

Importing bcc takes 65 MB and compiling 120 MB, too much for a long-running process. The request is JSON on
stdin, which is a socket, with the writer's lock; the answer is sent back there. Output of bcc and the
verifier is captured and becomes the `log` of a CompileError. Everything is pinned below one folder, which the
parent renames into place or removes.
"""

import ctypes
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netvsc_bpf.kernel.bpf import abi, libbpf, pin_files, pins, program_templates
from netvsc_bpf.kernel.compile import bundle, fentry
from netvsc_bpf.kernel.compile.bcc import Module, compile_text, import_early
from netvsc_bpf.kernel.compile.source_digest import build_number, macros_for
from netvsc_bpf.kernel.hooks.feature_probes import why_no_fentry
from netvsc_bpf.model.errors import CompileError, ForeignLayout, KernelError, NetvscBpfError, NotSupported
from netvsc_bpf.model.path import Liveness

MAPS = ("pairs", "paths", "homes", "counters", "evidence", "path_events", "found_state", "layout")
_ANEW = "take it down with `netvsc-bpf detach --all`, then attach again"
_REQUEST_MAX = 1 << 16
"""Bytes; it has two paths and a few numbers."""
_PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h


@dataclass(frozen=True, slots=True)
class Request:
    """What to load. `liveness` None takes the best level that needs no manager: fentry, else live.

    `sources` is the folder of the C files. `maps`, if given, is the folder of pinned maps that the programs
    use instead of new ones: then only programs and sentinel are pinned.
    """

    folder: str
    parent: int
    netns_cookie: int
    sources: str
    liveness: str | None = None
    maps: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded."""

    liveness: Liveness
    build: int


def main() -> None:
    """Answer one request; the exit status is 0 whenever there is an answer."""
    import_early()
    requests = socket.socket(fileno=os.dup(0))
    # The lock is held, by every process that has its descriptor open, until this one ends.
    text, _lock, *_ = socket.recv_fds(requests, _REQUEST_MAX, 1)
    if not text:
        return  # nothing is to be compiled
    request = Request(**json.loads(text))
    _die_with(request.parent)
    # Not a temporary file: there may be no writable folder.
    log = os.memfd_create("netvsc-bpf-log", os.MFD_CLOEXEC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        loaded = load(request)
        result: dict[str, Any] = {"liveness": loaded.liveness.value, "build": loaded.build}
    except NetvscBpfError as error:
        if isinstance(error, CompileError):
            os.write(1, error.log.encode(errors="replace"))
        result = _as_answer(error)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        result = _as_answer(KernelError("cannot load the programs", why, errno=error.errno))
    sys.stdout.flush()
    os.lseek(log, 0, os.SEEK_SET)
    with os.fdopen(log, "rb") as written:
        result["log"] = written.read().decode(errors="replace")
    requests.sendall(json.dumps(result).encode())
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
    """Have the kernel kill this process with its parent, which removes the pins of a failed load."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)  # the parent has ended before prctl()


def request_json(request: Request) -> str:
    """Return the request as the child reads it."""
    return json.dumps(asdict(request))


def load(request: Request) -> Loaded:
    """Compile, load and pin everything below `request.folder`; return the level that the kernel allowed."""
    if request.liveness is not None:
        return _load(request, Liveness(request.liveness))
    if why_no_fentry() is None:
        with suppress(NotSupported):  # the kernel allows fentry, but not on all of the functions
            return _load(request, Liveness.FENTRY)
    return _load(request, Liveness.LIVE)


def _load(request: Request, liveness: Liveness) -> Loaded:
    macros, sources = macros_for(liveness), Path(request.sources)
    text = bundle.bundle(sources, bundle.sources_of(liveness))
    build = build_number(text, bundle.replacement_headers(sources), macros)
    module = compile_text(sources, text, macros)
    folder = Path(request.folder)
    for made in (folder, *(folder / name for name in ("programs", "templates", "sentinel"))):
        pin_files.make_folder(made)
    if request.maps is not None:
        for name in MAPS:
            _use_pinned(module.map_fd(name), Path(request.maps) / name)

    if liveness is Liveness.FENTRY and (refusal := fentry.attach(module, folder / "sentinel")) is not None:
        raise NotSupported(
            "cannot attach the sentinel",
            refusal,
            "use --liveness live, or a kernel with fentry",
            requires="5.5",
        )
    if liveness is not Liveness.NETLINK:
        fentry.attach_tracepoints(module, folder / "sentinel")
    pins.make(module.load("control", "SCHED_CLS"), folder / "programs" / "control")
    for name in program_templates.KINDS:
        _write_template(module, name, folder)
    if request.maps is None:
        pin_files.make_folder(folder / "maps")
        for name in MAPS:
            pins.make(module.map_fd(name), folder / "maps" / name)
        layout = abi.Layout(
            magic=abi.ABI_MAGIC,
            version=abi.ABI_VERSION,
            liveness=abi.LIVENESSES.index(liveness),
            build=build,
            netns_cookie=request.netns_cookie,
        )
        libbpf.map_update(module.map_fd("layout"), 0, layout)
    return Loaded(liveness, build)


def _write_template(module: Module, name: str, folder: Path) -> None:
    """Pin the template of which each pair gets a copy, after the verifier has accepted one copy.

    That copy, of the first slot, is pinned with the programs, so that they can be described while no pair is
    attached. It is never attached.
    """
    code = module.template(name, MAPS)
    with program_templates.loaded(name, code, module.map_fd, slot=0) as fd:
        pins.make(fd, folder / "programs" / name)
    program_templates.write(name, code, folder / "templates" / name)


def _use_pinned(fd: int, pin: Path) -> None:
    """Make the descriptor of a map that bcc created refer to a pinned map.

    bcc creates maps when it compiles, and the instructions contain their descriptors by number; the kernel
    resolves them when a program is loaded, which is later. So bcc need not know about it.
    """
    what = f"cannot use {pin}"
    try:
        pinned = pin_files.get(pin)
    except FileNotFoundError as error:
        raise ForeignLayout(what, "it is missing", _ANEW) from error
    ours, theirs = (libbpf.info(one, libbpf.MapInfo) for one in (fd, pinned))
    for member in ("type", "key_size", "value_size", "max_entries", "map_flags"):
        if getattr(ours, member) != getattr(theirs, member):
            raise ForeignLayout(what, f"its {member} differs from that of the new programs", _ANEW)
    os.dup2(pinned, fd, inheritable=False)
    os.close(pinned)
