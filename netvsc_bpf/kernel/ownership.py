# SPDX-License-Identifier: GPL-2.0-only
"""Whose our folder in bpffs is.

The folder's owner alone can look into it. A manager that runs as a user of its own must get at what root's
commands make beside it, so that is its own too. bpffs itself is as /tmp where one mounts it by hand, but
systemd mounts it for root alone (mode 0700): there root has to open the way and to make the folder.
"""

import os
from pathlib import Path

from netvsc_bpf.model.errors import MissingCapability


def require_access(what: str, root: Path) -> None:
    """Raise MissingCapability where this process must not use the folder: it is another user's."""
    try:
        owner = root.stat().st_uid
    except FileNotFoundError:
        return
    except PermissionError:
        why = f"{root.parent} lets nobody but root in"
        raise MissingCapability(what, why, f"run as root, or chmod 711 it and chown {root}") from None
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        who = "root" if owner == 0 else f"user {owner}"
        raise MissingCapability(what, f"{root} belongs to {who}", "run as that user or root, or chown -R it")


def hand_over(root: Path) -> None:
    """Give what root made below `root` to the owner of `root`; others make only what is theirs anyway."""
    try:
        owner = root.stat()
    except FileNotFoundError:
        return
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for path in root.rglob("*"):
        if path.lstat().st_uid != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
