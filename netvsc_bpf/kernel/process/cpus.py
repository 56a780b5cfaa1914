# SPDX-License-Identifier: GPL-2.0-only
"""Reads the number of possible CPUs, which determines the size of per-CPU maps."""

from pathlib import Path


def parse_cpu_list(text: str) -> int:
    """Return the size of a per-CPU lookup for a list like "0-3,8": the highest number plus one."""
    return max(int(part.split("-")[-1]) for part in text.strip().split(",")) + 1


def possible_cpus(path: Path = Path("/sys/devices/system/cpu/possible")) -> int:
    """Return the number of possible CPUs, which the kernel sizes per-CPU maps by (not those online)."""
    return parse_cpu_list(path.read_text())
