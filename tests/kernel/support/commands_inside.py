# SPDX-License-Identifier: GPL-2.0-only
"""`netvsc-bpf` in a fork of this process: what is imported already takes no time, which many runs need."""

import os
import subprocess
import sys
import tempfile
import traceback

from netvsc_bpf.cli.process import run

from netvsc_bpf.lab import namespace
from netvsc_bpf.lab.topology import Lab

Ended = subprocess.CompletedProcess[str]


def command(lab: Lab, *arguments: str) -> Ended:
    """Run it in the guest."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        child = os.fork()
        if child == 0:
            try:
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                # pytest's own streams are not those of the descriptors.
                sys.stdout, sys.stderr = (open(fd, "w", closefd=False) for fd in (1, 2))  # noqa: SIM115
                namespace.enter(lab.guest)
                _run(arguments)
            finally:
                os._exit(70)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read())
    return subprocess.CompletedProcess(arguments, status, *texts)


def _run(arguments: tuple[str, ...]) -> None:
    sys.argv = ["netvsc-bpf", *arguments]
    code = 70  # of an exception that nothing caught
    try:
        code = run()
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
