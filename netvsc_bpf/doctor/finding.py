# SPDX-License-Identifier: GPL-2.0-only
"""The result of a check."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from netvsc_bpf.model.errors import NetvscBpfError


class Level(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    """Works, but worse or less reliably than it should."""
    PROBLEM = "problem"
    """Attach will fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. ``check`` is a stable name that scripts may rely on."""

    check: str
    level: Level
    what: str
    remedy: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return the object that `doctor --json` prints."""
        return {"check": self.check, "level": self.level.value, "what": self.what, "remedy": self.remedy}


def ok(check: str, what: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(check, Level.OK, what)


def warning(check: str, what: str, remedy: str | None = None) -> Finding:
    """Return a finding that should be acted upon."""
    return Finding(check, Level.WARNING, what, remedy)


def problem(check: str, what: str, remedy: str | None = None) -> Finding:
    """Return a finding that makes attach impossible."""
    return Finding(check, Level.PROBLEM, what, remedy)


def from_error(check: str, error: NetvscBpfError) -> Finding:
    """Return the problem that attach would have raised as ``error``."""
    return problem(check, f"{error.what}: {error.why}", error.remedy)


def is_fit(findings: Iterable[Finding]) -> bool:
    """Return whether attach can work: no finding is a problem."""
    return all(finding.level is not Level.PROBLEM for finding in findings)
