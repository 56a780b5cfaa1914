# SPDX-License-Identifier: GPL-2.0-only
"""Formats times: for JSON as ISO 8601 in UTC, for people in local time with its offset. Pure."""

from datetime import datetime, tzinfo


def timestamp(moment: datetime) -> str:
    """Return a time in UTC as text for JSON, with microseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def local(moment: datetime, zone: tzinfo | None = None, *, precise: bool = False) -> str:
    """Return a time as text for people: 2026-11-24 19:22:06+01:00, with `precise` in microseconds.

    `zone` None is the machine's own time zone.
    """
    return moment.astimezone(zone).isoformat(" ", "microseconds" if precise else "seconds")
