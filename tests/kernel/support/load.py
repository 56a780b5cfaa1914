# SPDX-License-Identifier: GPL-2.0-only
"""How much traffic a test may ask for where it runs."""

import os

_EMULATED = "NETVSC_BPF_GUEST_KERNEL" in os.environ  # set by tests/vm/run.py
_LESS = 5


def bearable(rate: int) -> int:
    """Return so many packets a second, or what an emulated processor sends beside its other work.

    One that is asked for more does nothing else any more, and every test beside it waits.
    """
    return rate // _LESS if _EMULATED else rate
