# SPDX-License-Identifier: GPL-2.0-only
"""Is udev done with an interface that is new?

udev names it, and until Linux 6.2 an interface that is up could not be renamed: dev_change_name() said EBUSY,
and the name that scripts and rules go by was never given. udev keeps a record of each device that it is done
with (sd-device's database): the line `I:` says that it has been set up, ID_RENAMING that its new name is on
the way.
"""

import os
import re
from pathlib import Path

from netvsc_bpf.kernel.process import namespaces

RUN = Path("/run/udev")
_LIVE_RENAME = (6, 2)


def renames_live(release: str | None = None) -> bool:
    """Tell whether this kernel renames an interface that is up."""
    match = re.match(r"(\d+)\.(\d+)", os.uname().release if release is None else release)
    return match is not None and (int(match[1]), int(match[2])) >= _LIVE_RENAME


def serves_here(run: Path = RUN, init: Path = Path("/proc/1/ns/net")) -> bool:
    """Tell whether udev runs, and for this thread's network namespace: it serves that of init alone."""
    if not (run / "control").exists():
        return False
    try:
        return init.stat().st_ino == namespaces.current_inode()
    except PermissionError:
        return True  # whoever is not root may not ask; services run where init does


def is_busy_with(ifindex: int, run: Path = RUN) -> bool:
    """Tell whether udev has still to do with an interface that it serves."""
    try:
        lines = (run / f"data/n{ifindex}").read_bytes().split(b"\n")
    except FileNotFoundError:
        return True
    return not any(line.startswith(b"I:") for line in lines) or b"E:ID_RENAMING=1" in lines
