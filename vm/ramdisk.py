# SPDX-License-Identifier: GPL-2.0-only
"""An initial ramdisk: busybox, an init script, and the modules that it loads to find the root file system."""

import gzip
import lzma
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from vm.kernels import Kernel

_DIRECTORIES = ("bin", "dev", "proc", "sys", "modules", "image", "writes", "root")


def host_busybox() -> Path:
    """Return this machine's busybox, which is linked statically. Raises FileNotFoundError."""
    found = shutil.which("busybox-static") or shutil.which("busybox")
    if found is None:
        raise FileNotFoundError("busybox: scripts/setup.sh vm installs it")
    return Path(found).resolve()


def with_needed(kernel: Kernel, names: Iterable[str]) -> list[Path]:
    """Return the files of these modules and of those that they need, in the order of loading."""
    found: dict[Path, None] = {}
    for name in names:
        show = ["modprobe", "-d", kernel.folder, "-S", kernel.release, "--show-depends", name]
        shown = subprocess.run(show, check=True, stdout=subprocess.PIPE, text=True).stdout
        lines = map(str.split, shown.splitlines())
        found |= {Path(words[1]): None for words in lines if words[0] == "insmod"}
    return list(found)


def make_ramdisk(kernel: Kernel, busybox: Path, init: Path, modules: Iterable[str], ramdisk: Path) -> None:
    """Write the ramdisk; it is packed from a directory beside it.

    `init` is a script for busybox, the guest's; the modules are in /modules, in the order of loading. Raises
    CalledProcessError if a module is missing; modprobe has printed which.
    """
    tree = ramdisk.with_name(f"{ramdisk.name}.tree")
    shutil.rmtree(tree, ignore_errors=True)
    for name in _DIRECTORIES:
        (tree / name).mkdir(parents=True)
    shutil.copy2(busybox, tree / "bin/busybox")
    shutil.copy2(init, tree / "init")
    (tree / "init").chmod(0o755)
    for number, module in enumerate(with_needed(kernel, modules)):
        (tree / "modules" / f"{number:02}-{module.stem}").write_bytes(lzma.decompress(module.read_bytes()))
    names = "\n".join(str(one.relative_to(tree)) for one in sorted(tree.rglob("*")))
    pack = [host_busybox(), "cpio", "-o", "-H", "newc"]
    packed = subprocess.run(pack, cwd=tree, input=names.encode(), check=True, capture_output=True).stdout
    ramdisk.write_bytes(gzip.compress(packed, 1))
    shutil.rmtree(tree)
