# SPDX-License-Identifier: GPL-2.0-only
"""Build hv_vmbus.ko for a kernel of the guests, against Debian's headers; nothing is installed."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from vm.kernels import Kernel

MODULE = "hv_vmbus"
_SOURCES = Path(__file__).with_name("module")
_DRIVER = "kernel/drivers/net/hyperv"


class CannotBuildModule(RuntimeError):
    """The compiler failed, or hv_netvsc would refuse the module; the text says which."""


def built(kernel: Kernel) -> Path:
    """Return the module for this kernel, built first where there is none of these sources.

    Raises CannotBuildModule.
    """
    folder = kernel.cache / "modules" / f"{kernel.release}-{_digest()}"
    module = folder / f"{MODULE}.ko"
    if not module.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            _build(kernel, Path(work))
            _require_equal_crcs(kernel, Path(work))
            folder.mkdir(exist_ok=True)
            Path(work, module.name).replace(module)
    return module


def _digest() -> str:
    text = b"".join(path.read_bytes() for path in sorted(_SOURCES.iterdir()))
    return hashlib.sha256(text).hexdigest()[:16]


def _build(kernel: Kernel, work: Path) -> None:
    shutil.copytree(_SOURCES, work, dirs_exist_ok=True)
    # Header packages bring no pahole, so the module gets no BTF: Kbuild would remove the module at the end.
    command = ["make", "-C", str(kernel.headers), f"M={work}", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]
    # The flags of the make that called us are not for this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ended = subprocess.run(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if ended.returncode:
        raise CannotBuildModule(f"{MODULE}.ko for Linux {kernel.release}:\n{ended.stdout}")


def _require_equal_crcs(kernel: Kernel, work: Path) -> None:
    """Compare the CRC (CONFIG_MODVERSIONS) of each symbol that we export with what the driver wants."""
    exported = dict(reversed(line.split()[:2]) for line in (work / "Module.symvers").read_text().splitlines())
    driver = next((kernel.modules / kernel.release / _DRIVER).glob("hv_netvsc.ko*"))
    shown = subprocess.run(
        ["modprobe", "--dump-modversions", driver], check=True, text=True, stdout=subprocess.PIPE
    ).stdout
    wanted = dict(reversed(line.split()) for line in shown.splitlines())
    wrong = [name for name, crc in exported.items() if int(wanted.get(name, crc), 16) != int(crc, 16)]
    if wrong:
        raise CannotBuildModule(
            f"Linux {kernel.release}: hv_netvsc expects other CRCs of {', '.join(sorted(wrong))}; "
            "the exporting files must include what the kernel's own do"
        )
