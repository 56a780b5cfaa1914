# SPDX-License-Identifier: GPL-2.0-only
"""Failures that nobody else counts: those of a VF that is not in use.

The kernel tells when it leaves a VF. One that is damped it does not use, so it has nothing to tell; yet a VF
that goes on failing has to stay damped (RFC 2439 counts while suppressed, too). One that we took down
meanwhile can only fail by being removed.
"""

from netvsc_bpf.planner.observation import PairObservation


def failed_meanwhile(before: PairObservation | None, now: PairObservation) -> bool:
    """Return whether the VF could be used at the earlier look, and by its own fault cannot now."""
    if before is None or before.joined is None:
        return False
    if now.joined is None:  # unless something is left behind, it was released
        return now.left_behind and (_usable(before) or not before.joined.followed.up)
    if not _usable(before):
        return False
    same = before.joined.vf.ifindex == now.joined.vf.ifindex
    return same and now.synthetic.up and now.joined.followed.up and not _usable(now)


def _usable(seen: PairObservation) -> bool:
    return seen.joined is not None and seen.joined.vf.up and seen.joined.vf.carrier
