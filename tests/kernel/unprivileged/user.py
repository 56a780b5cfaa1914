# SPDX-License-Identifier: GPL-2.0-only
"""A user who is not root with some ambient capabilities, and no way to more: as systemd starts services."""

import subprocess
import sys

import pytest

UID = 64321
NEEDED = ("bpf", "net_admin", "perfmon")


def as_user(*capabilities: str, uid: int = UID) -> list[str]:
    """Return the beginning of a command line that runs the rest as that user, with these alone."""
    given = ",".join(("-all", *(f"+{name}" for name in capabilities)))
    return [
        *("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"),
        *(f"--inh-caps={given}", f"--ambient-caps={given}", f"--bounding-set={given}"),
    ]


def require_readable_checkout() -> None:
    """Skip where other users may not read this checkout: below /root, for example."""
    command = [*as_user(), sys.executable, "-c", "import netvsc_bpf.cli.main"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("other users than root may not read this checkout")
