# SPDX-License-Identifier: GPL-2.0-only
"""Roots of Debian's releases, made once by debootstrap in the cache, and never written to afterwards."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.deb.packages import REPO

SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13", "sid": "Debian sid"}
STABLE = ("bookworm", "trixie")
"""Tested unless others are named: what sid has changes from day to day."""
_PACKAGES = "ca-certificates,dbus,iproute2,systemd,systemd-sysv,udev"
"""What a bare machine has; no Python."""
# Without fsync for each file, and with downloaded packages kept for the next run.
_SETTINGS = {
    "etc/dpkg/dpkg.cfg.d/test": "force-unsafe-io\n",
    "etc/apt/apt.conf.d/90test": 'APT::Get::Assume-Yes "true";\n'
    'Binary::apt::APT::Keep-Downloaded-Packages "true";\n'
    'APT::Keep-Downloaded-Packages "true";\n',
}


def cache() -> Path:
    """Return the folder for downloads, as scripts/vm-setup.sh chooses it."""
    general = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("NETVSC_BPF_CACHE") or Path(general) / "netvsc-bpf") / "deb"


def root_of(suite: str) -> Path:
    """Return the root of a release; it is made if it is not there. Raises CalledProcessError."""
    root, new = cache() / suite, cache() / f".{suite}.{os.getpid()}"
    if root.exists():
        return root
    print(f"deb-test: making {root}", flush=True)
    try:
        subprocess.run([REPO / "scripts/debian-root.sh", suite, new, _PACKAGES], check=True)
        for name, text in _SETTINGS.items():
            (new / name).write_text(text)
        new.rename(root)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return root
