# SPDX-License-Identifier: GPL-2.0-only
"""The parent's side of compilation: starts the child, then moves its pins into place or removes them."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netvsc_bpf.kernel.bpf import pair_programs
from netvsc_bpf.kernel.bpf import pins as pinned
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.compile import bundle
from netvsc_bpf.kernel.compile.child_process import CompileChild, Died
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.model import errors
from netvsc_bpf.model.path import Liveness

_WHAT = "cannot compile the programs"


def load_object(
    pins: NetnsPins,
    liveness: Liveness | None,
    lock_fd: int | None = None,
    early: CompileChild | None = None,
) -> None:
    """Compile and load in a child process and pin at `pins.object`; the caller holds the lock.

    `early` is a child that was started before. The child holds the lock too, by `lock_fd`, so that no other
    writer starts if this process is killed. Raises the child's own error, or CompileError if it died. Its
    pins are removed then.
    """
    pinned.remove_unfinished(pins)
    folder = pins.loading(os.getpid())
    try:
        _run_child(folder, liveness, lock_fd, early=early)
        pinned.move(folder, pins.object)
    except BaseException:
        pinned.remove_tree(pins, folder)
        raise


def load_programs(
    pins: NetnsPins,
    liveness: Liveness,
    slots: Mapping[int, int],
    lock_fd: int | None = None,
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
        build = _run_child(folder, liveness, lock_fd, maps=pins.object / "maps")
        with LoadedObject(pins) as object_:
            pair_programs.make_new_copies(object_, slots, folder)
        loaded()
        pinned.move(folder, pins.upgrading(build))
    except BaseException:
        pinned.remove_tree(pins, folder)
        raise
    return build


def _run_child(
    folder: Path,
    liveness: Liveness | None,
    lock_fd: int | None,
    maps: Path | None = None,
    early: CompileChild | None = None,
) -> int:
    """Run the child; return the build that it loaded."""
    request = {
        "folder": str(folder),
        "parent": os.getpid(),
        "netns_cookie": namespaces.current_cookie(),
        "sources": str(bundle.sources_dir()),
        "liveness": None if liveness is None else liveness.value,
        "maps": None if maps is None else str(maps),
    }
    with early or CompileChild() as child:
        try:
            said = child.ask(json.dumps(request), lock_fd)
        except TimeoutError as error:
            raise errors.CompileError(_WHAT, str(error)) from None
    if isinstance(said, Died):
        why = f"the compiler ended with status {said.status}"
        raise errors.CompileError(_WHAT, why, "see the log with --verbose", log=said.output)
    answer = json.loads(said)
    if "error" in answer:
        raise _rebuilt(answer)
    return int(answer["build"])


def _rebuilt(answer: dict[str, Any]) -> errors.NetvscBpfError:
    """Return the child's error with its original type."""
    kind = getattr(errors, answer["error"])
    arguments = (answer["what"], answer["why"], answer["remedy"])
    if kind is errors.CompileError:
        return errors.CompileError(*arguments, log=answer["log"])
    of_kernel = {"errno": answer["errno"]} if issubclass(kind, errors.KernelError) else {}
    error: errors.NetvscBpfError = kind(*arguments, **of_kernel)
    return error
