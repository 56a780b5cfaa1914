# SPDX-License-Identifier: GPL-2.0-only
"""The state of the probe of one pair, for output."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProbeState(StrEnum):
    """What the probe knows of the targets of a pair. The values are labels whose meaning never changes."""

    REACHABLE = "reachable"
    """A target answered by the path in use, or nothing had to be asked since it did."""
    SILENT = "silent"
    """The last questions that went by the VF are unanswered."""
    CHECKING = "checking"
    """The VF was left; the targets are asked by the synthetic path."""
    UNPROVEN = "unproven"
    """No target has answered yet, or none answered on either path: nothing is left because of them."""
    NO_TARGETS = "no-targets"
    """There is nothing to ask: nothing is watched."""
    IDLE = "idle"
    """The VF is not the path: nothing is asked."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The probe of one pair."""

    targets: tuple[str, ...]
    """Addresses, each with the interface that it is asked from if that is not the synthetic NIC."""
    state: ProbeState
    last_answer: datetime | None = None
