# SPDX-License-Identifier: GPL-2.0-only
"""Checks whether udev has finished with a new interface.

udev renames it, and before Linux 6.2 an interface that is up cannot be renamed: dev_change_name() returns
EBUSY, and the interface would never get the name that scripts and rules use. udev has a record of each device
that it has processed (sd-device's database): the line `I:` shows that it is initialised, ID_RENAMING that a
rename is pending.
"""

import os
import re
from pathlib import Path

from netvsc_bpf.kernel.process import namespaces

RUN = Path("/run/udev")
_LIVE_RENAME = (6, 2)


def renames_live(release: str | None = None) -> bool:
    """Return whether this kernel can rename an interface that is up."""
    match = re.match(r"(\d+)\.(\d+)", os.uname().release if release is None else release)
    return match is not None and (int(match[1]), int(match[2])) >= _LIVE_RENAME


def serves_here(run: Path = RUN, init: Path = Path("/proc/1/ns/net")) -> bool:
    """Return whether udev runs and handles this thread's network namespace: it handles only that of init."""
    if not (run / "control").exists():
        return False
    try:
        return init.stat().st_ino == namespaces.current_inode()
    except PermissionError:
        return True  # not readable without root; services run in the namespace of init


def is_busy_with(ifindex: int, run: Path = RUN) -> bool:
    """Return whether udev is still processing an interface that it handles."""
    try:
        lines = (run / f"data/n{ifindex}").read_bytes().split(b"\n")
    except FileNotFoundError:
        return True
    return not any(line.startswith(b"I:") for line in lines) or b"E:ID_RENAMING=1" in lines
