# SPDX-License-Identifier: GPL-2.0-only
"""Another version of the product: a copy whose programs differ by a comment, and nothing else."""

import shutil
from pathlib import Path

import netvsc_bpf.ebpf

import netvsc_bpf


def ebpf_folder() -> Path:
    """The C sources of this checkout."""
    return Path(netvsc_bpf.ebpf.__file__).parent


def installed(folder: Path, number: int) -> dict[str, str]:
    """Install version ``number`` below the folder; return what makes a command that version: PYTHONPATH."""
    package = Path(netvsc_bpf.__file__).parent
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder / "netvsc_bpf", ignore=without)
    for name, source in (("cli", package.parent / "cli"), ("ebpf", ebpf_folder())):
        shutil.copytree(source, folder / "netvsc_bpf" / name, ignore=without)
    with (folder / "netvsc_bpf/ebpf/home.c").open("a") as appended:
        appended.write(f"/* version {number} */\n")
    return {"PYTHONPATH": str(folder)}
