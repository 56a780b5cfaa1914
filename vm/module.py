# SPDX-License-Identifier: GPL-2.0-only
"""Build kernel modules of our own for the guests, against Debian's headers; nothing is installed."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from vm.kernels import Kernel


class CannotBuildModule(RuntimeError):
    """The compiler failed, or the kernel would refuse the module; the text says which."""


def built(
    kernel: Kernel, name: str, sources: Path, finish: Callable[[Kernel, Path, Path], None] = lambda *_: None
) -> Path:
    """Return NAME.ko for this kernel, built first where there is none of these sources.

    `finish` gets the directory of a new one and the one where it will be, in which it may put more; it raises
    CannotBuildModule if the module is of no use. Raises CannotBuildModule.
    """
    folder = kernel.cache / "modules" / f"{kernel.release}-{_digest(sources)}"
    module = folder / f"{name}.ko"
    if not module.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            _build(kernel, name, sources, Path(work))
            folder.mkdir(exist_ok=True)
            finish(kernel, Path(work), folder)
            Path(work, module.name).replace(module)
    return module


def _digest(sources: Path) -> str:
    text = b"".join(path.read_bytes() for path in sorted(sources.iterdir()))
    return hashlib.sha256(text).hexdigest()[:16]


def _build(kernel: Kernel, name: str, sources: Path, work: Path) -> None:
    shutil.copytree(sources, work, dirs_exist_ok=True)
    # Header packages bring no pahole, so the module gets no BTF: Kbuild would remove the module at the end.
    # The compiler is this system's, and may be older than the kernel's.
    options = ["CC=gcc", "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=", "CONFIG_DEBUG_INFO_BTF_MODULES="]
    command = ["make", "-C", str(kernel.headers), f"M={work}", *options, "modules"]
    # The flags of the make that called us are not for this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ended = subprocess.run(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if ended.returncode:
        raise CannotBuildModule(f"{name}.ko for Linux {kernel.release}:\n{ended.stdout}")
