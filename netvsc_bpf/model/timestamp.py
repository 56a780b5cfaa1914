# SPDX-License-Identifier: GPL-2.0-only
"""Formats timestamps for JSON: ISO 8601 with microseconds, UTC."""

from datetime import datetime


def timestamp(moment: datetime) -> str:
    """Return a time in UTC as text."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
