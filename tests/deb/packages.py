# SPDX-License-Identifier: GPL-2.0-only
"""The package of this checkout, and packages of other versions of it."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf import __version__
from netvsc_bpf.kernel.bpf.abi import ABI_VERSION

REPO = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Packages:
    """File names of packages; all are in one folder."""

    current: str
    previous: str
    """Another version of the programs, with the same map layout."""
    other_abi: str
    """A version with another map layout, which programs of this one cannot share."""


def version_of(package: str) -> str:
    """Return the version in the file name of a package."""
    return package.split("_")[1]


def build(folder: Path) -> Packages:
    """Build all three. Raises CalledProcessError."""
    _deb(REPO, folder)
    trees = {"0.1.9": ABI_VERSION, "0.1.5": ABI_VERSION - 1}
    for version, abi in trees.items():
        tree = folder / version
        _other_version(tree, version, abi)
        _deb(tree, folder)
        shutil.rmtree(tree)
    return Packages(*(f"netvsc-bpf_{version}_all.deb" for version in (__version__, *trees)))


def _other_version(tree: Path, version: str, abi: int) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in listed.split("\0"):
        if name and (REPO / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, tree / name)
    _replace(
        tree / "netvsc_bpf/__init__.py",
        rf'^__version__ = "{re.escape(__version__)}"',
        f'__version__ = "{version}"',
    )
    _replace(tree / "debian/changelog", rf"\({re.escape(__version__)}\)", f"({version})")
    # Files of another date: Python compares date and size of a source with those that bytecode was made of.
    _replace(tree / "debian/changelog", r"\d\d:\d\d:\d\d [+-]\d+$", f"{version.replace('.', ':0')} +0000")
    _replace(tree / "netvsc_bpf/kernel/bpf/abi.py", r"^ABI_VERSION = \d+", f"ABI_VERSION = {abi}")
    with (tree / "ebpf/home.c").open("a") as source:
        source.write(f"/* version {version} */\n")


def _replace(path: Path, pattern: str, text: str) -> None:
    changed, count = re.subn(pattern, text, path.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1, (path, pattern)
    path.write_text(changed)


def _deb(tree: Path, folder: Path) -> None:
    subprocess.run([REPO / "scripts/deb.sh", tree, folder], check=True, stdout=subprocess.DEVNULL)
