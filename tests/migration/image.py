# SPDX-License-Identifier: GPL-2.0-only
"""The guest's image: Debian packages of this machine, this checkout, and one of the fetched kernels.

It is a file system that is read only and shared by all QEMUs, so that a migration moves memory alone. It is
made of dpkg's lists of files, with mke2fs, which needs no mount and no loop device.
"""

import hashlib
import lzma
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vm.kernels import REPO, Kernel
from vm.ramdisk import host_busybox, make_ramdisk, with_needed

_PACKAGES = (
    "python3 python3-bpfcc iproute2 ethtool bash coreutils kmod mount iputils-ping procps util-linux grep sed"
)
_SITE = "bcrypt click prometheus_client pyroute2 rich markdown_it mdurl pygments"
_MODULES = "virtio_net net_failover failover e1000e virtio_blk ext4 overlay sch_ingress cls_bpf bonding"
_EARLY_MODULES = ("virtio_blk", "ext4", "overlay")
"""What it takes to mount the image; they go into the initial ramdisk."""
_UNWANTED = tuple(f"/usr/share/{name}/" for name in ("doc", "man", "locale", "info", "bcc"))
_HERE = Path(__file__).parent / "guest"


@dataclass(frozen=True, slots=True)
class Image:
    """What QEMU boots."""

    kernel: Path
    ramdisk: Path
    disk: Path


def image(kernel: Kernel) -> Image:
    """Return the image, which is made anew if the machine's packages or this checkout have changed.

    Raises CalledProcessError if a tool fails; it has printed why.
    """
    folder = kernel.cache / "migration" / kernel.version
    made = Image(kernel.image, folder / "ramdisk", folder / "disk")
    state, stamp = _state(kernel), folder / "stamp"
    if stamp.exists() and stamp.read_text() == state:
        return made
    shutil.rmtree(folder, ignore_errors=True)
    tree = folder / "tree"
    tree.mkdir(parents=True)
    _system(tree)
    _program(tree)
    _modules(kernel, tree)
    _file_system(tree, made.disk)
    make_ramdisk(kernel, host_busybox(), _HERE / "init", _EARLY_MODULES, made.ramdisk)
    shutil.rmtree(tree)
    stamp.write_text(state)
    return made


def _state(kernel: Kernel) -> str:
    digest = hashlib.sha256(kernel.release.encode())
    digest.update(Path("/var/lib/dpkg/status").read_bytes())
    for source in sorted([*_sources(), *_HERE.iterdir(), Path(__file__)]):
        digest.update(f"{source}\0".encode() + source.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for part in ("netvsc_bpf", "cli", "ebpf"):
        yield from (one for one in (REPO / part).rglob("*") if one.suffix in (".py", ".c", ".h"))


def _system(tree: Path) -> None:
    wanted = ["apt-cache", "depends", "--recurse", "--installed", "--no-recommends", "--no-suggests"]
    wanted += ["--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", *_PACKAGES.split()]
    depends = subprocess.run(wanted, check=True, stdout=subprocess.PIPE, text=True).stdout
    packages = sorted({line for line in depends.splitlines() if not line.startswith((" ", "<"))})
    # An installed package may have another name here than in the list of depends ("libc6" and "libc6:amd64").
    listed = subprocess.run(["dpkg", "-L", *packages], check=False, capture_output=True, text=True).stdout
    for name in sorted(set(listed.splitlines())):
        file = Path(name)
        if name.startswith("/") and not name.startswith(_UNWANTED) and (file.is_symlink() or file.is_file()):
            _copy(file, tree / os.path.relpath(file.parent.resolve(), "/") / file.name)
    for name in ("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/alternatives", "/etc/ld.so.conf"):
        _copy(Path(name), tree / name[1:])
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (tree / name).is_symlink():
            (tree / name).symlink_to(f"usr/{name}")
    for name in ("proc", "sys", "dev", "run", "tmp", "root", "var", "opt/migration"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    subprocess.run(["ldconfig", "-r", tree], check=True)


def _program(tree: Path) -> None:
    site, ours = Path(sysconfig.get_path("purelib")), tree / "opt/site"
    for name in _SITE.split():
        shutil.copytree(site / name, ours / name, ignore=shutil.ignore_patterns("tests"))
        for facts in site.glob(f"{name.replace('_', '?')}-*.dist-info"):
            shutil.copytree(facts, ours / facts.name)
    for source in _sources():
        part = source.relative_to(REPO)
        inside = part if part.parts[0] == "netvsc_bpf" else Path("netvsc_bpf", part)
        _copy(source, ours / inside)
    for file in _HERE.iterdir():
        _copy(file, tree / "opt/migration" / file.name)
    command = tree / "usr/bin/netvsc-bpf"
    command.write_text('#!/bin/bash\nexec /usr/bin/python3 -P -m netvsc_bpf.cli.main "$@"\n')
    command.chmod(0o755)
    compiled = [
        "/usr/bin/python3",
        "-m",
        "compileall",
        "-q",
        "-s",
        tree,
        ours,
        *tree.glob("usr/lib/python3*"),
    ]
    # Some of Debian's packages have examples for other versions of Python, which do not compile.
    subprocess.run(compiled, check=False, stdout=subprocess.DEVNULL)


def _modules(kernel: Kernel, tree: Path) -> None:
    for module in with_needed(kernel, _MODULES.split()):
        target = tree / "usr" / module.relative_to(kernel.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_suffix("").write_bytes(lzma.decompress(module.read_bytes()))
    for listing in (kernel.modules / kernel.release).glob("modules.*"):
        _copy(listing, tree / "usr" / listing.relative_to(kernel.folder))
    subprocess.run(["depmod", "-b", tree, kernel.release], check=True)


def _file_system(tree: Path, disk: Path) -> None:
    size = sum(file.lstat().st_size for file in tree.rglob("*")) * 14 // 10 + (64 << 20)
    make = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", tree, disk]
    subprocess.run([*make, f"{size >> 10}k"], check=True, stdout=subprocess.DEVNULL)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        if not target.is_symlink():
            target.symlink_to(source.readlink())
    elif source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
