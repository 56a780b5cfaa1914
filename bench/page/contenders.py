# SPDX-License-Identifier: GPL-2.0-only
"""The contenders of `make bench-failover-guest`, as the pages call them: name, fallback level, manager."""

from dataclasses import dataclass

from bench.guest import names

PROJECT = "netvsc-bpf"


@dataclass(frozen=True, slots=True)
class Contender:
    """What is measured, in columns of a table."""

    name: str
    level: str = "-"
    manager: str = "-"

    def __str__(self) -> str:
        """Return the three in a few words, for pictures and sentences; what is usual is left out."""
        level = f", level {self.level}" if self.level not in ("-", "fentry") else ""
        manager = f", manager {self.manager}" if self.manager != "-" else ""
        return f"{self.name}{level}{manager}"


_OURS = {
    names.OURS: Contender(PROJECT, "fentry", "killed"),
    names.OURS_RUNNING: Contender(PROJECT, "fentry", "running"),
    names.OURS_STOPPED: Contender(PROJECT, "fentry", "stopped"),
    names.OURS_LIVE: Contender(PROJECT, "live", "killed"),
    names.OURS_NETLINK: Contender(PROJECT, "netlink", "running"),
    names.ON_HV_NETVSC: Contender(f"{PROJECT} on hv_netvsc", "fentry", "killed"),
    names.ON_HV_NETVSC_RUNNING: Contender(f"{PROJECT} on hv_netvsc", "fentry", "running"),
}


def contender(name: str) -> Contender:
    """Return what a raw name of bench/guest/names.py stands for."""
    return _OURS.get(name) or Contender(name)


def in_words(text: str) -> str:
    """Return a line that a benchmark printed, with the raw names in it as the pages call them."""
    for name in sorted(_OURS, key=len, reverse=True):
        text = text.replace(name, str(_OURS[name]))
    return text
