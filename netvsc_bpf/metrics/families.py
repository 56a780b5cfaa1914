# SPDX-License-Identifier: GPL-2.0-only
"""Every metric that there is: name, type, labels, meaning. Pure; docs/metrics.md is made from it.

Labels name the synthetic NIC. VFs and ifindexes come and go, so they are labels of one info metric alone.
"""

from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.core import HistogramMetricFamily

from netvsc_bpf.metrics.row_metric import RowMetric

_PREFIX = "netvsc_bpf_"


class Type(StrEnum):
    """The Prometheus types in use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Source(StrEnum):
    """Where the numbers live, and with that how long."""

    PAIRS = "pairs"
    """Pinned maps and netlink: of each attached pair, with a manager or without."""
    PROGRAMS = "programs"
    """The kernel's account of our programs."""
    MANAGER = "manager"
    """The process `netvsc-bpf run`: begins anew with it."""
    EXPORTER = "exporter"
    """Whoever is answering the scrape."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric; each is there once and equal to itself alone.

    Its whole name is the prefix and `name`, and for a counter `_total`.
    """

    name: str
    type: Type
    source: Source
    help: str
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name that queries use (of a histogram without _bucket, _count, _sum)."""
        return f"{_PREFIX}{self.name}{'_total' if self.type is Type.COUNTER else ''}"

    def empty(self) -> RowMetric | HistogramMetricFamily:
        """Return it without samples, as describe() and collect() begin."""
        name = _PREFIX + self.name
        if self.type is Type.HISTOGRAM:
            return HistogramMetricFamily(name, self.help, labels=self.labels)
        return RowMetric(name, self.help, self.type.value, self.full_name, self.labels)


_NIC = ("interface",)
_C, _G, _H = Type.COUNTER, Type.GAUGE, Type.HISTOGRAM

PACKETS = Family(
    "packets",
    _C,
    Source.PAIRS,
    "Packets as skbs: a TSO frame counts once.",
    ("interface", "direction", "path"),
)
BYTES = Family(
    "bytes",
    _C,
    Source.PAIRS,
    "Bytes with the layer-2 header, in both directions.",
    ("interface", "direction", "path"),
)
VF_ACTIVE = Family("vf_active", _G, Source.PAIRS, "1 while egress goes through the VF.", _NIC)
VF_PRESENT = Family("vf_present", _G, Source.PAIRS, "1 while the pair has a VF.", _NIC)
VF_CARRIER = Family(
    "vf_carrier", _G, Source.PAIRS, "1 while the VF has carrier; 0 as well without a VF.", _NIC
)
VF_PERMITTED = Family(
    "vf_permitted", _G, Source.PAIRS, "1 while userspace allows the kernel to use the VF.", _NIC
)
VF_DAMPED = Family(
    "vf_damped",
    _G,
    Source.PAIRS,
    "1 while the VF is left alone because it fails too often.",
    _NIC,
)
DRAINED = Family(
    "drained",
    _G,
    Source.PAIRS,
    "1 while the pair is drained: an operator moved it off its VF, and nothing has ended that yet.",
    _NIC,
)
VF_TAKEN_DOWN = Family(
    "vf_taken_down",
    _G,
    Source.PAIRS,
    "1 while the VF is down because netvsc-bpf took it down: then nobody sends or delivers by it.",
    _NIC,
)
PATH_REASON = Family(
    "path_reason",
    _G,
    Source.PAIRS,
    "1 for the reason why the pair is on its path; the other reasons are left out.",
    ("interface", "reason"),
)
PATH_CHANGES = Family(
    "path_changes",
    _C,
    Source.PAIRS,
    "Changes of path, counted by the kernel.",
    ("interface", "to", "reason"),
)
LAST_CHANGE = Family(
    "last_path_change_timestamp_seconds",
    _G,
    Source.PAIRS,
    "When the path last changed, Unix time; left out before the first change.",
    _NIC,
)
DROPS = Family(
    "drops",
    _C,
    Source.PAIRS,
    "Packets dropped. tx vf: by the VF. rx home: lost between the VF and the synthetic NIC, because the "
    "backlog of a CPU was full or the synthetic NIC was down; left out on the rung netlink, where no program "
    "sees it. rx duplicate: second copies, stopped by guard and home.",
    ("interface", "direction", "reason"),
)
VF_ERRORS = Family(
    "vf_errors",
    _C,
    Source.PAIRS,
    "Errors that VFs of the pair counted (rx_errors, tx_errors), added up over those seen by this process.",
    ("interface", "direction"),
)
VF_MISSED = Family(
    "vf_missed",
    _C,
    Source.PAIRS,
    "Frames that VFs of the pair had no room for (rx_missed_errors), added up likewise.",
    _NIC,
)
VF_QUEUE_STOPS = Family(
    "vf_queue_stops",
    _C,
    Source.PAIRS,
    "How often the driver stopped a transmit queue of the VF, added up likewise; "
    "left out where the kernel (before 6.11) or the driver does not count it.",
    _NIC,
)
VF_STALLS = Family(
    "vf_stalls",
    _C,
    Source.PAIRS,
    "How often the VF was left because it swallowed packets, its transmit queue hung or its driver did not "
    "answer.",
    _NIC,
)
VF_MISCONFIGURED = Family(
    "vf_misconfigured",
    _G,
    Source.PAIRS,
    "1 while the VF has what belongs to the synthetic NIC alone, an address or a route, or another MTU. "
    "Addresses and routes are looked up when some change, and each half minute.",
    ("interface", "problem"),
)
INTERFACE_INFO = Family(
    "interface_info",
    _G,
    Source.PAIRS,
    "Always 1: what the pair consists of and how it is attached. vf and vf_driver are empty without a VF.",
    ("interface", "vf", "driver", "vf_driver", "hook", "liveness", "rx"),
)
DRIFT = Family(
    "attachment_drift",
    _G,
    Source.PAIRS,
    "1 while a hook that belongs to the pair is not attached, or the sentinel, which all pairs share, is not "
    "whole. Of clsact filters (before Linux 6.6) only the manager knows: there, see repairs.",
    ("interface", "hook"),
)
PROGRAM_INFO = Family(
    "program_info",
    _G,
    Source.PROGRAMS,
    "Always 1: a loaded program, and the kernel's hash of its instructions.",
    ("program", "tag"),
)
PROGRAM_RUNS = Family(
    "program_runs",
    _C,
    Source.PROGRAMS,
    "Runs of a program, only as far as somebody has kernel.bpf_stats_enabled on.",
    ("program",),
)
PROGRAM_SECONDS = Family(
    "program_run_seconds",
    _C,
    Source.PROGRAMS,
    "Time spent in a program, likewise.",
    ("program",),
)
JOIN_SECONDS = Family(
    "vf_join_seconds",
    _H,
    Source.MANAGER,
    "From the first that netlink told the manager of a VF to the moment the kernel armed the pair with it.",
)
REPAIRS = Family(
    "repairs",
    _C,
    Source.MANAGER,
    "Hooks and settings that somebody took away or changed behind our back and the manager put back.",
    ("interface", "what"),
)
RECONCILE_SECONDS = Family(
    "reconcile_duration_seconds", _H, Source.MANAGER, "How long it took to look, plan and act."
)
RECONCILE_ERRORS = Family(
    "reconcile_errors",
    _C,
    Source.MANAGER,
    "Steps, whole reconciliations and looks at a pair for a scrape that failed, by class of error; "
    "Exception is one that was not expected.",
    ("reason",),
)
LAST_RECONCILE = Family(
    "last_reconcile_timestamp_seconds",
    _G,
    Source.MANAGER,
    "When the manager last looked at everything and did what was due without an error, Unix time.",
)
LOST_LINES = Family(
    "log_lines_lost",
    _C,
    Source.MANAGER,
    "Events that the manager could not write to stderr: full disk, closed, or nobody reads it. "
    "`netvsc-bpf events` has them.",
)
MANAGER_UP = Family("manager_up", _G, Source.EXPORTER, "1 while a manager runs for this network namespace.")
BUILD_INFO = Family("build_info", _G, Source.EXPORTER, "Always 1: what is running.", ("version", "abi"))
SCRAPE_SUCCESS = Family(
    "scrape_success", _G, Source.EXPORTER, "1 if all pairs could be read; 0: those of some are missing."
)
SCRAPE_SECONDS = Family("scrape_duration_seconds", _G, Source.EXPORTER, "How long it took to read the pairs.")

FAMILIES = (
    PACKETS,
    BYTES,
    VF_ACTIVE,
    VF_PRESENT,
    VF_CARRIER,
    VF_PERMITTED,
    VF_DAMPED,
    DRAINED,
    VF_TAKEN_DOWN,
    PATH_REASON,
    PATH_CHANGES,
    LAST_CHANGE,
    DROPS,
    VF_ERRORS,
    VF_MISSED,
    VF_QUEUE_STOPS,
    VF_STALLS,
    VF_MISCONFIGURED,
    INTERFACE_INFO,
    DRIFT,
    PROGRAM_INFO,
    PROGRAM_RUNS,
    PROGRAM_SECONDS,
    JOIN_SECONDS,
    REPAIRS,
    RECONCILE_SECONDS,
    RECONCILE_ERRORS,
    LAST_RECONCILE,
    LOST_LINES,
    MANAGER_UP,
    BUILD_INFO,
    SCRAPE_SUCCESS,
    SCRAPE_SECONDS,
)
"""In the order in which they are shown."""
