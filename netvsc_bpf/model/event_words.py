# SPDX-License-Identifier: GPL-2.0-only
"""The words for events in text for people. JSON keeps the stable names (CONTRACT.md). Pure."""

_WORDS = {
    "awaited": "waiting",
    "followed": "synced",
    "left": "removed",
    "maintenance-scheduled": "scheduled",
    "maintenance-started": "started",
    "maintenance-acknowledged": "approved",
    "maintenance-ended": "ended",
}


def event_word(name: str) -> str:
    """Return the word that `events` and the log print for the event that JSON calls `name`."""
    return _WORDS.get(name, name)
