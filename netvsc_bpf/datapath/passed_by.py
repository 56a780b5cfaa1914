# SPDX-License-Identifier: GPL-2.0-only
"""Which tcx programs do not see what steer redirects (order.py puts steer behind them)."""

from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs


def passed_by(ifindex: int, steer_id: int | None) -> tuple[int, ...]:
    """Return the tcx programs (ids) that run after steer on the egress of a NIC.

    Empty where steer is not on tcx. Raises OSError: EPERM without CAP_NET_ADMIN, ENODEV.
    """
    programs = tcx_programs(ifindex, Direction.EGRESS)
    return tuple(programs[programs.index(steer_id) + 1 :]) if steer_id in programs else ()
