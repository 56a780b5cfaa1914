# SPDX-License-Identifier: GPL-2.0-only
"""Runs the command and hears at its end what it cost and held (bench/watched.py)."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from netvsc_bpf.lab.topology import Lab


@dataclass(frozen=True, slots=True)
class Watched:
    """What a process said of itself at its end (bench/watched.py)."""

    peak_kb: int
    bcc_imported: bool
    libbcc_mapped: bool
    libbpf_mapped: bool


def watch(lab: Lab, *args: str) -> Watched:
    """Run the command on the guest of ``lab`` and return what it said at its end."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "bench.watched", str(writer), "--netns", lab.guest, *args]
    try:
        subprocess.run(command, check=True, capture_output=True, pass_fds=[writer])
    finally:
        os.close(writer)
    with os.fdopen(reader) as reported:
        return Watched(**json.load(reported))
