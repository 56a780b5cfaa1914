# SPDX-License-Identifier: GPL-2.0-only
"""The README's two commands on a bare system, without systemd running."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.deb.machine import StepFailed, run_once
from tests.deb.packages import Packages
from tests.deb.roots import cache, root_of

_ARCHIVES = Path("var/cache/apt/archives")


@dataclass(frozen=True)
class Installed:
    """A root with the package installed, as overlayfs takes it, and what was printed."""

    lower: str
    versions: str
    doctor: str
    demo: str


def install(suite: str, folder: Path, share: Path, packages: Packages) -> Installed:
    """Install the package of this checkout and run the demo. Raises StepFailed."""
    root, writes = root_of(suite), folder / "bare"
    archives, kept = writes / "upper" / _ARCHIVES, cache() / f"archives-{suite}"
    if kept.exists():  # downloaded by an earlier run
        shutil.copytree(kept, archives)
    script = f"""
        cp /share/{packages.current} /root && cd /root
        apt install ./netvsc-bpf_*.deb || {{ apt update && apt install ./netvsc-bpf_*.deb; }}
    """
    run_once(root, writes, share, script)
    for deb in archives.glob("*.deb"):
        kept.mkdir(exist_ok=True)
        shutil.copy2(deb, kept)
    versions = run_once(root, writes, share, _VERSIONS)
    doctor = run_once(root, writes, share, "netvsc-bpf doctor")
    demo = run_once(root, writes, share, "netvsc-bpf demo")
    if not re.search(r"^detach +left nothing behind", demo, re.MULTILINE):
        raise StepFailed(demo)
    run_once(
        root, writes, share, "apt install --no-install-recommends network-manager"
    )  # for network_managers.py
    return Installed(f"{writes / 'upper'}:{root}", versions, doctor, demo)


_VERSIONS = """
    netvsc-bpf --version
    python3 --version
    dpkg-query -W -f '${Package} ${Version}\\n' python3-bpfcc python3-click python3-prometheus-client \\
        python3-pyroute2 python3-rich python3-bcrypt systemd
"""
