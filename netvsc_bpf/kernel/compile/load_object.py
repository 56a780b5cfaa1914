# SPDX-License-Identifier: GPL-2.0-only
"""Loads programs of this version into a namespace: all or nothing, then moved into place."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from netvsc_bpf.kernel.bpf import pair_programs
from netvsc_bpf.kernel.bpf import pins as pinned
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.compile import compiler, loading
from netvsc_bpf.kernel.compile.child_process import CompileChild
from netvsc_bpf.kernel.hooks.feature_probes import why_no_fentry
from netvsc_bpf.model.errors import NotSupported
from netvsc_bpf.model.path import Liveness


def load_object(pins: NetnsPins, liveness: Liveness | None, early: CompileChild | None = None) -> None:
    """Load maps and programs and pin them at `pins.object`; the caller holds the lock.

    `liveness` None takes the best level that needs no manager: fentry, else live. `early` is a child that was
    started before, to compile if that is needed. Raises CompileError, NoBtf, BccMissing, NotSupported,
    KernelError; nothing stays then.
    """
    if liveness is None and why_no_fentry() is None:
        try:
            _load_object(pins, Liveness.FENTRY, early)
            return
        except NotSupported:  # the kernel allows fentry, but not on all of the functions
            early = None
    _load_object(pins, liveness or Liveness.LIVE, early)


def _load_object(pins: NetnsPins, liveness: Liveness, early: CompileChild | None) -> None:
    pinned.remove_unfinished(pins)
    folder = pins.loading(os.getpid())
    try:
        load_build(folder, liveness, early=early)
        pinned.move(folder, pins.object)
    except BaseException:
        pinned.remove_tree(pins, folder)
        raise


def load_programs(
    pins: NetnsPins,
    liveness: Liveness,
    slots: Mapping[int, int],
    loaded: Callable[[], None] = lambda: None,
) -> int:
    """Load programs of this build onto the pinned maps; return the build. The caller holds the lock.

    `slots` are those of the attached pairs by their synthetic ifindex: each gets new copies. `loaded` is
    called once all are loaded; if this process is killed before it returns, they are discarded. Afterwards
    they are pinned at `pins.upgrading(build)`, with the sentinel attached; kernel/hooks/replace_programs.py
    does the rest. Raises as load_object() does, and ForeignLayout if a map does not fit.
    """
    pinned.remove_unfinished(pins)
    folder = pins.loading(os.getpid())
    try:
        build = load_build(folder, liveness, maps=pins.object / "maps")
        with LoadedObject(pins) as object_:
            pair_programs.make_new_copies(object_, slots, folder)
        loaded()
        pinned.move(folder, pins.upgrading(build))
    except BaseException:
        pinned.remove_tree(pins, folder)
        raise
    return build


def load_build(
    folder: Path, liveness: Liveness, maps: Path | None = None, early: CompileChild | None = None
) -> int:
    """Compile, load and pin below `folder`; return the build.

    Raises as compiler.build() and loading.load() do.
    """
    build = compiler.build(liveness, early)
    loading.load(build, folder, maps)
    return build.number
