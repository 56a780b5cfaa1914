# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's monotonic nanoseconds as time of day."""

import time
from datetime import UTC, datetime


def monotonic_to_utc(moment_ns: int) -> datetime:
    """Return the time of day of a CLOCK_MONOTONIC moment (bpf_ktime_get_ns) by the clocks' offset now."""
    ago_ns = time.monotonic_ns() - moment_ns
    return datetime.fromtimestamp((time.time_ns() - ago_ns) / 1e9, UTC)
