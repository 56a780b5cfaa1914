# SPDX-License-Identifier: GPL-2.0-only
"""Running `netvsc-bpf` in ways that the plain fixture has no need of, and judging how it ended."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab

Ended = subprocess.CompletedProcess[str]

PROGRAM = (sys.executable, "-P", "-m", "netvsc_bpf.cli.main")


def run(
    lab: Lab,
    *args: str,
    wrapped_in: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> Ended:
    """Run the command inside the guest's namespace rather than with --netns, which takes more privileges.

    ``wrapped_in`` is the beginning of the command line within the namespace: setpriv, unshare and the like.
    """
    return subprocess.run(
        command_in(lab.guest, [*wrapped_in, *PROGRAM, *args]),
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        env=None if env is None else {**os.environ, **env},
        cwd=cwd,
    )


def run_in(namespace: str, *args: str) -> Ended:
    """Run the command on a namespace of this name, from outside."""
    return subprocess.run(
        [*PROGRAM, "--netns", namespace, *args],
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def start(lab: Lab, *args: str) -> subprocess.Popen[str]:
    """Start the command inside the guest's namespace; the pid is its own."""
    return subprocess.Popen(
        command_in(lab.guest, [*PROGRAM, *args]),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def state(result: Ended) -> dict[str, Any]:
    """Return the only pair that a successful `--json` command printed."""
    assert result.returncode == 0, result.stderr
    (pair,) = json.loads(result.stdout)
    assert isinstance(pair, dict)
    return pair


def refused(result: Ended, code: int, *said: str) -> None:
    """Fail unless the command ended with this status and one line on stderr that says all of ``said``."""
    lines = result.stderr.splitlines()
    assert (result.returncode, len(lines), result.stdout) == (code, 1, ""), result
    assert lines[0].startswith("netvsc-bpf: "), lines[0]
    for words in said:
        assert words in lines[0]
