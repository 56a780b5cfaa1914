# SPDX-License-Identifier: GPL-2.0-only
"""Detects failures of a VF that is not in use.

The kernel reports when it leaves a VF. It does not use a damped one, so it has nothing to report; but a VF
that keeps failing has to stay damped (RFC 2439 also counts while suppressed). A VF that netvsc-bpf took down
can only fail by being removed.
"""

from netvsc_bpf.planner.observation import PairObservation


def failed_meanwhile(before: PairObservation | None, now: PairObservation) -> bool:
    """Return whether the VF was usable in the earlier observation, and has failed since."""
    if before is None or before.joined is None:
        return False
    if now.joined is None:  # without leftovers, it was released
        return now.left_behind and (_usable(before) or not before.joined.followed.up)
    if not _usable(before):
        return False
    same = before.joined.vf.ifindex == now.joined.vf.ifindex
    return same and now.synthetic.up and now.joined.followed.up and not _usable(now)


def _usable(seen: PairObservation) -> bool:
    return seen.joined is not None and seen.joined.vf.up and seen.joined.vf.carrier
