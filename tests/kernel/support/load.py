# SPDX-License-Identifier: GPL-2.0-only
"""How much traffic a test may ask for where it runs."""

import os

_EMULATED = "NETVSC_BPF_GUEST_KERNEL" in os.environ  # set by tests/vm/run.py


def bearable(usual: int, *, emulated: int) -> int:
    """Return how many to ask for: `usual`, or what an emulated processor does beside its other work.

    One that is asked for more packets a second does nothing else any more, and every test beside it waits.
    """
    return emulated if _EMULATED else usual
