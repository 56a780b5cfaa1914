# SPDX-License-Identifier: GPL-2.0-only
"""The oldest kernel that can work: SO_NETNS_COOKIE, which identifies namespaces, is from Linux 5.14."""

import os
import re

from netvsc_bpf.model.errors import NotSupported

OLDEST = (5, 15)
OLDEST_NAME = ".".join(map(str, OLDEST))


def too_old(release: str) -> bool | None:
    """Return whether ``release``, as uname(2) returns it (6.1.0-13-amd64), is too old; None: unknown."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return None if match is None else (int(match[1]), int(match[2])) < OLDEST


def require_kernel(what: str) -> None:
    """Raise NotSupported if the running kernel is too old. ``what`` begins the message: "cannot attach eth0".

    Checked first: what an old kernel says by itself ("Protocol not available") helps no one.
    """
    release = os.uname().release
    if too_old(release):
        raise NotSupported(
            what,
            f"Linux {release} is older than {OLDEST_NAME}",
            f"boot kernel {OLDEST_NAME} or later",
            requires=OLDEST_NAME,
        )
