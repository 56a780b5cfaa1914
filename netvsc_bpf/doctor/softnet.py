# SPDX-License-Identifier: GPL-2.0-only
"""Have CPUs dropped packets because their backlog was full?

Packets that home redirects to the synthetic NIC go through the backlog of a CPU (enqueue_to_backlog(),
net/core/dev.c), as all packets do that one device hands to another.
"""

from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, ok, warning

CHECK = "backlog"
SOFTNET = Path("/proc/thread-self/net/softnet_stat")
LIMIT = Path("/proc/sys/net/core/netdev_max_backlog")


@dataclass(frozen=True, slots=True)
class Softnet:
    """Sums over all CPUs since boot."""

    dropped: int
    squeezed: int
    """How often a CPU ran out of its budget with packets left (net.core.netdev_budget)."""


def parse_softnet(text: str) -> Softnet:
    """Add up /proc/net/softnet_stat: one line per CPU, in hex: processed, dropped, time_squeeze and more."""
    rows = [[int(field, 16) for field in line.split()[:3]] for line in text.splitlines() if line.strip()]
    return Softnet(sum(row[1] for row in rows), sum(row[2] for row in rows))


def check_softnet(softnet: Path = SOFTNET, limit: Path = LIMIT) -> Finding:
    """Check the drops since boot; when they happened is not known."""
    try:
        found = parse_softnet(softnet.read_text(encoding="ascii"))
    except OSError as error:
        return warning(CHECK, f"{softnet} cannot be read: {error.strerror}")
    if not found.dropped:
        return ok(CHECK, "no packets dropped because of a full backlog since boot")
    longest = _limit(limit)
    wanted = "more" if longest is None else str(2 * longest)
    now = "" if longest is None else f" ({longest} now)"
    return warning(
        CHECK,
        f"{found.dropped:,} packets dropped since boot because a CPU's backlog was full",
        f"if the number grows: `sysctl -w net.core.netdev_max_backlog={wanted}`{now}, or spread the VF's "
        "queues over more CPUs",
    )


def _limit(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None  # not shown in every network namespace
