# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel runs, for what kernels do differently."""

import os


def is_at_least(major: int, minor: int) -> bool:
    """Whether the running kernel is this version or a later one."""
    running_major, running_minor, *_ = os.uname().release.split(".")
    return (int(running_major), int(running_minor)) >= (major, minor)
