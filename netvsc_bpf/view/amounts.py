# SPDX-License-Identifier: GPL-2.0-only
"""Numbers as people read them. Pure."""

_STEPS = ("", "k", "M", "G", "T", "P", "E")


def scaled(amount: float, unit: str = "") -> str:
    """Return three digits and a decimal prefix: 999, 1.23k, 12.3M; with the unit B 4.56 GB."""
    step = 0
    while amount >= 999.5 and step + 1 < len(_STEPS):
        amount /= 1000
        step += 1
    digits = 0 if step == 0 or amount >= 99.95 else 1 if amount >= 9.995 else 2
    space = " " if unit else ""
    return f"{amount:.{digits}f}{space}{_STEPS[step]}{unit}"


def ago(seconds: float) -> str:
    """Return how long something has lasted: 5 s, 3 min, 2 h 5 min, 4 d 3 h."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def count(number: int, one: str, many: str) -> str:
    """Return a number with its noun: 1 change, 2 changes."""
    return f"{number:,} {one if number == 1 else many}"
