# SPDX-License-Identifier: GPL-2.0-only
"""What will be done, as values: for `plan` and `attach --dry-run`. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode
from netvsc_bpf.planner.forecast import Forecast


class Programs(StrEnum):
    """What happens to the programs of the network namespace."""

    KEEP = "keep"
    LOAD = "load"
    """They are compiled and loaded."""
    REPLACE = "replace"
    """They are of another version, or parts of them are missing."""


@dataclass(frozen=True, slots=True)
class PairPreview:
    """One synthetic NIC."""

    synthetic: Nic
    forecast: Forecast
    settle_ms: int
    guard: GuardMode
    problems: tuple[str, ...] = ()
    """What will be refused or cannot be done, in words."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One network namespace."""

    pairs: tuple[PairPreview, ...]
    programs: Programs = Programs.KEEP
    manager: int | None = None
    """The pid of the manager that runs already, 0 if it cannot be determined."""
    released: tuple[int, ...] = ()
    """Synthetic NICs (ifindexes) that are gone, whose pairs are released."""
    missing: tuple[str, ...] = ()
    """Interfaces that are named, and do not exist yet."""
