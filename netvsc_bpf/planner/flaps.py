# SPDX-License-Identifier: GPL-2.0-only
"""Detects failures of a VF that is not in use.

The kernel reports when it leaves a VF. It does not use a damped one, so it has nothing to report; but a VF
that keeps failing has to stay damped (RFC 2439 also counts while suppressed). A VF that netvsc-bpf took down
does not fail, as it has no carrier to lose.
"""

from netvsc_bpf.planner.observation import PairObservation


def failed_meanwhile(before: PairObservation | None, now: PairObservation) -> int | None:
    """Return the VF (ifindex) that was usable in the earlier observation and has failed since, if it did."""
    if before is None or before.joined is None or now.joined is None or not _usable(before):
        return None
    vf = now.joined.vf.ifindex
    same = before.joined.vf.ifindex == vf
    failed = same and now.synthetic.up and now.joined.followed.up and not _usable(now)
    return vf if failed else None


def _usable(seen: PairObservation) -> bool:
    return seen.joined is not None and seen.joined.vf.up and seen.joined.vf.carrier
