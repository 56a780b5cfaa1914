# SPDX-License-Identifier: GPL-2.0-only
"""Failures that nobody else counts: those of a VF that is not in use.

The kernel tells when it leaves a VF. One that is damped it does not use, so it has nothing to tell; yet a VF
that goes on failing has to stay damped (RFC 2439 counts while suppressed, too).
"""

from netvsc_bpf.planner.observation import PairObservation


def failed_meanwhile(before: PairObservation | None, now: PairObservation) -> bool:
    """Tell whether the VF could be used at the earlier look, and by its own fault cannot now."""
    if before is None or not _usable(before):
        return False
    if now.joined is None:
        return now.left_behind  # otherwise it was let go
    same = before.joined is not None and before.joined.vf.ifindex == now.joined.vf.ifindex
    return same and now.synthetic.up and now.joined.followed.up and not _usable(now)


def _usable(seen: PairObservation) -> bool:
    return seen.joined is not None and seen.joined.vf.up and seen.joined.vf.carrier
