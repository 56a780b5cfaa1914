# SPDX-License-Identifier: GPL-2.0-only
"""Set-up commands in a guest, which need no cleanup because the guest is thrown away."""

import shlex
import subprocess


def sh(*commands: str) -> None:
    """Run commands one after the other. Raises CalledProcessError, with what the command said."""
    for command in commands:
        done = subprocess.run(shlex.split(command), text=True, capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            print(f"{command}: {done.stderr.strip() or done.stdout.strip()}", flush=True)
            done.check_returncode()
