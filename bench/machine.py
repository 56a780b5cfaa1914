# SPDX-License-Identifier: GPL-2.0-only
"""What a measurement ran on."""

import os
import platform
from pathlib import Path


def machine() -> dict[str, object]:
    """Return the kernel's version, the processor, how many CPUs this process may use, and GB of memory."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        # Without what the builder added: a name of its own says nothing to a reader.
        "kernel": platform.release().partition("-")[0],
        "processor": _processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
