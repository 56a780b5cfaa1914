# SPDX-License-Identifier: GPL-2.0-only
"""Creates the maps of compiled programs, loads the programs, and pins both below one folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netvsc_bpf.kernel.bpf import (
    abi,
    libbpf,
    map_specs,
    pin_files,
    pins,
    program_load,
    program_templates,
)
from netvsc_bpf.kernel.bpf.map_specs import MapSpec
from netvsc_bpf.kernel.bpf.program_load import ProgramKind
from netvsc_bpf.kernel.compile import sentinel
from netvsc_bpf.kernel.compile.compiled import CONTROL, Compiled
from netvsc_bpf.kernel.compile.compiler import Build
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.model.errors import ForeignLayout, KernelError, NotSupported
from netvsc_bpf.model.path import Liveness

_ANEW = "take it down with `netvsc-bpf detach --all`, then attach again"
MapFds = dict[str, int]
"""Descriptors of maps, by name."""


def load(build: Build, folder: Path, maps: Path | None = None) -> None:
    """Load a build and pin everything below `folder`, which is created; the caller removes it on errors.

    `maps`, if given, is the folder of pinned maps that the programs use instead of new ones: then only
    programs and sentinel are pinned. Raises NotSupported where the kernel refuses the sentinel,
    ForeignLayout if a pinned map does not fit, CompileError with the verifier's log, KernelError.
    """
    for made in (folder, *(folder / name for name in ("programs", "templates", "sentinel"))):
        pin_files.make_folder(made)
    with _new_maps(build.compiled) if maps is None else _pinned_maps(build.compiled, maps) as fds:
        _load_sentinel(build, folder / "sentinel", fds)
        _load_control(build.compiled, folder / "programs" / CONTROL, fds)
        for name in program_templates.KINDS:
            _write_template(name, build.compiled.programs[name], folder, fds)
        if maps is None:
            _pin_maps(build, folder / "maps", fds)


@contextmanager
def _new_maps(compiled: Compiled) -> Iterator[MapFds]:
    """Create the maps for the block; pins keep them afterwards. Raises KernelError."""
    fds: MapFds = {}
    btf_fd = None
    try:
        try:
            btf_fd = libbpf.btf_load(compiled.btf) if compiled.btf else None
            for spec in compiled.maps:
                fds[spec.name] = map_specs.create(spec, btf_fd)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise KernelError("cannot create the maps", why, errno=error.errno) from error
        yield fds
    finally:
        for fd in (*fds.values(), *([] if btf_fd is None else [btf_fd])):
            os.close(fd)


@contextmanager
def _pinned_maps(compiled: Compiled, folder: Path) -> Iterator[MapFds]:
    """Open pinned maps for the block. Raises ForeignLayout for one that is missing or of another shape."""
    fds: MapFds = {}
    try:
        for spec in compiled.maps:
            fds[spec.name] = _pinned(spec, folder / spec.name)
        yield fds
    finally:
        for fd in fds.values():
            os.close(fd)


def _pinned(spec: MapSpec, pin: Path) -> int:
    what = f"cannot use {pin}"
    try:
        fd = pin_files.get(pin)
    except FileNotFoundError as error:
        raise ForeignLayout(what, "it is missing", _ANEW) from error
    try:
        if (member := spec.differs(map_specs.describe(spec.name, fd))) is not None:
            raise ForeignLayout(what, f"its {member} differs from that of the new programs", _ANEW)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _load_sentinel(build: Build, folder: Path, fds: MapFds) -> None:
    if build.liveness is Liveness.NETLINK:
        return
    if build.liveness is Liveness.FENTRY:
        refusal = sentinel.attach(build.compiled.programs, fds, folder)
        if refusal is not None:
            raise NotSupported(
                "cannot attach the sentinel",
                refusal,
                "use --liveness live, or a kernel with fentry",
                requires="5.5",
            )
    sentinel.attach_tracepoints(build.compiled.programs, fds, folder)


def _load_control(compiled: Compiled, pin: Path, fds: MapFds) -> None:
    kind, code = ProgramKind(libbpf.SCHED_CLS_PROGRAM), compiled.programs[CONTROL]
    with program_load.loaded(kind, CONTROL, code, fds.__getitem__) as fd:
        pins.make(fd, pin)


def _write_template(name: str, code: bytes, folder: Path, fds: MapFds) -> None:
    """Pin the template of which each pair gets a copy, after the verifier has accepted one copy.

    That copy, of the first slot, is pinned with the programs, so that they can be described while no pair is
    attached. It is never attached.
    """
    with program_templates.loaded(name, code, fds.__getitem__, slot=0) as fd:
        pins.make(fd, folder / "programs" / name)
    program_templates.write(name, code, folder / "templates" / name)


def _pin_maps(build: Build, folder: Path, fds: MapFds) -> None:
    pin_files.make_folder(folder)
    for name, fd in fds.items():
        pins.make(fd, folder / name)
    layout = abi.Layout(
        magic=abi.ABI_MAGIC,
        version=abi.ABI_VERSION,
        liveness=abi.LIVENESSES.index(build.liveness),
        build=build.number,
        netns_cookie=namespaces.current_cookie(),
    )
    try:
        libbpf.map_update(fds["layout"], 0, layout)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise KernelError("cannot describe the maps", why, errno=error.errno) from error
