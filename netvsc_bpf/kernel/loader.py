# SPDX-License-Identifier: GPL-2.0-only
"""The parent's side of compilation: start the child, wait, put its pins in place or take them away."""

import json
import os
import shutil
import subprocess
import sys

from netvsc_bpf.kernel import netns
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.kernel.pins import remove_unfinished
from netvsc_bpf.model import errors
from netvsc_bpf.model.path import Liveness

_TIME_LIMIT_S = 120.0
"""Compiling takes 0.2 s on a fast machine; a guest under software emulation needs a hundred times as long."""


def load_object(pins: NetnsPins, liveness: Liveness | None, lock_fd: int | None = None) -> None:
    """Compile and load in a child process and leave the pins at `pins.object`; the caller holds the lock.

    The child holds the lock too, by `lock_fd`: were we killed, nobody would work beside it. Raises the
    child's own error, or CompileError when it died. Whatever it had pinned is gone then.
    """
    remove_unfinished(pins)
    folder = pins.loading(os.getpid())
    try:
        _run_child(str(folder), liveness, () if lock_fd is None else (lock_fd,))
        folder.rename(pins.object)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run_child(folder: str, liveness: Liveness | None, fds: tuple[int, ...]) -> None:
    request = {
        "folder": folder,
        "parent": os.getpid(),
        "netns_cookie": netns.current_cookie(),
        "liveness": None if liveness is None else liveness.value,
    }
    try:
        child = subprocess.run(
            # -P: never import from the folder that the user happens to stand in.
            [sys.executable, "-P", "-m", "netvsc_bpf.kernel.compiler"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=_TIME_LIMIT_S,
            check=False,
            pass_fds=fds,
        )
    except subprocess.TimeoutExpired:
        raise errors.CompileError(
            "cannot compile the programs", f"the compiler did not answer in {_TIME_LIMIT_S:.0f} s"
        ) from None
    if child.returncode or not child.stdout:
        raise errors.CompileError(
            "cannot compile the programs",
            f"the compiler ended with status {child.returncode}",
            "see the log with --verbose",
            log=child.stderr,
        )
    answer = json.loads(child.stdout)
    if "error" in answer:
        raise _rebuilt(answer)


def _rebuilt(answer: dict[str, str]) -> errors.NetvscBpfError:
    """Return the child's error as the type that it had there."""
    kind = getattr(errors, answer["error"])
    arguments = (answer["what"], answer["why"], answer["remedy"])
    if kind is errors.CompileError:
        return errors.CompileError(*arguments, log=answer["log"])
    error: errors.NetvscBpfError = kind(*arguments)
    return error
