# SPDX-License-Identifier: GPL-2.0-only
"""The severity of an event, which is also the level of the log."""

from enum import StrEnum


class Severity(StrEnum):
    """The severity of an event, least severe first."""

    DEBUG = "debug"
    """What the manager does when nothing happens: in the log alone, if that is asked for."""
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    def is_at_least(self, other: "Severity") -> bool:
        """Return whether it is as severe as `other`, or more."""
        order = list(Severity)
        return order.index(self) >= order.index(other)
