# SPDX-License-Identifier: GPL-2.0-only
"""Runs the command and reports at its end what it used: `python -m bench.watched FD ARGS...`.

Asked from inside, because rusage of a child begins with the peak of the process that started it.
"""

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import NoReturn

from netvsc_bpf.cli.main import main

_leave = os._exit


def report(fd: int) -> None:
    """Write one JSON object to ``fd``: peak resident memory in kB, and whether bcc is here."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    libraries = Path("/proc/self/maps").read_text()
    used = {
        "peak_kb": int(status["VmHWM"].split()[0]),
        "bcc_imported": "bcc" in sys.modules,
        "libbcc_mapped": "libbcc" in libraries,
        "libbpf_mapped": "libbpf" in libraries,
    }
    os.write(fd, json.dumps(used).encode())


def reporting(fd: int, status: int) -> NoReturn:
    """Report, then end as the command does (cli/main.py), which calls no atexit function."""
    report(fd)
    _leave(status)


if __name__ == "__main__":
    os._exit = partial(reporting, int(sys.argv.pop(1)))
    main()
