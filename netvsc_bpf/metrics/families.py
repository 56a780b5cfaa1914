# SPDX-License-Identifier: GPL-2.0-only
"""All metrics: name, type, labels, help text. Pure; docs/metrics.md is generated from it.

Labels name the synthetic NIC. VFs come and go, so only one info metric has them as labels.
"""

from netvsc_bpf.metrics.family import Family, Source, Type

_NIC = ("interface",)
_C, _G, _H = Type.COUNTER, Type.GAUGE, Type.HISTOGRAM

PACKETS = Family(
    "packets",
    _C,
    Source.PAIRS,
    "Packets, counted as skbs: a TSO frame counts once.",
    ("interface", "direction", "path"),
)
BYTES = Family(
    "bytes",
    _C,
    Source.PAIRS,
    "Bytes, including the layer-2 header in both directions.",
    ("interface", "direction", "path"),
)
VF_ACTIVE = Family("vf_active", _G, Source.PAIRS, "1 while egress goes through the VF.", _NIC)
VF_PRESENT = Family("vf_present", _G, Source.PAIRS, "1 while the pair has a VF.", _NIC)
VF_CARRIER = Family(
    "vf_carrier", _G, Source.PAIRS, "1 while the VF has carrier; 0 without carrier or without a VF.", _NIC
)
VF_PERMITTED = Family(
    "vf_permitted", _G, Source.PAIRS, "1 while userspace allows the kernel to use the VF.", _NIC
)
VF_DAMPED = Family(
    "vf_damped",
    _G,
    Source.PAIRS,
    "1 while the VF is not used because it failed too often.",
    _NIC,
)
DRAINED = Family(
    "drained",
    _G,
    Source.PAIRS,
    "1 while the pair is drained: an operator, or the manager for maintenance, moved its traffic off the VF, "
    "and the drain has not ended yet.",
    _NIC,
)
VF_TAKEN_DOWN = Family(
    "vf_taken_down",
    _G,
    Source.PAIRS,
    "1 while the VF is down because netvsc-bpf took it down, so that no traffic uses it.",
    _NIC,
)
PATH_REASON = Family(
    "path_reason",
    _G,
    Source.PAIRS,
    "1 for the reason why the pair is on its path; other reasons have no sample.",
    ("interface", "reason"),
)
PATH_CHANGES = Family(
    "path_changes",
    _C,
    Source.PAIRS,
    "Path changes, counted by the kernel programs.",
    ("interface", "to", "reason"),
)
LAST_CHANGE = Family(
    "last_path_change_timestamp_seconds",
    _G,
    Source.PAIRS,
    "Unix time of the last path change; no sample before the first change.",
    _NIC,
)
DROPS = Family(
    "drops",
    _C,
    Source.PAIRS,
    "Packets dropped. tx vf: by the VF. rx home: on delivery from the VF to the synthetic NIC, because the "
    "backlog of a CPU was full or the synthetic NIC was down; no sample at liveness level netlink, where it "
    "is not counted. rx duplicate: second copies, dropped by guard and home.",
    ("interface", "direction", "reason"),
)
VF_ERRORS = Family(
    "vf_errors",
    _C,
    Source.PAIRS,
    "Errors counted by the VFs of the pair (rx_errors, tx_errors), summed over the VFs seen by this process.",
    ("interface", "direction"),
)
VF_MISSED = Family(
    "vf_missed",
    _C,
    Source.PAIRS,
    "Frames that the VFs of the pair missed for lack of buffers (rx_missed_errors), summed likewise.",
    _NIC,
)
VF_QUEUE_STOPS = Family(
    "vf_queue_stops",
    _C,
    Source.PAIRS,
    "How often the driver stopped a transmit queue of the VF, summed likewise; "
    "no sample if the kernel (before 6.11) or the driver does not count it.",
    _NIC,
)
VF_STALLS = Family(
    "vf_stalls",
    _C,
    Source.PAIRS,
    "How often the pair left the VF because it transmitted no packets, a transmit queue timed out or its "
    "driver did not respond.",
    _NIC,
)
VF_MISCONFIGURED = Family(
    "vf_misconfigured",
    _G,
    Source.PAIRS,
    "1 while the VF has an address or a route of its own, or another MTU than the synthetic NIC. "
    "Addresses and routes are read when they change, and every 30 seconds.",
    ("interface", "problem"),
)
INTERFACE_INFO = Family(
    "interface_info",
    _G,
    Source.PAIRS,
    "Always 1: the parts of the pair and how it is attached. vf and vf_driver are empty without a VF.",
    ("interface", "vf", "driver", "vf_driver", "hook", "liveness", "rx"),
)
DRIFT = Family(
    "attachment_drift",
    _G,
    Source.PAIRS,
    "1 while a program of the pair is not attached, or the sentinel, which all pairs share, is incomplete. "
    "clsact filters (before Linux 6.6) are checked by the manager only: see repairs.",
    ("interface", "hook"),
)
PROGRAM_INFO = Family(
    "program_info",
    _G,
    Source.PROGRAMS,
    "Always 1: a loaded program and its tag, the kernel's hash of its instructions.",
    ("program", "tag"),
)
PROGRAM_RUNS = Family(
    "program_runs",
    _C,
    Source.PROGRAMS,
    "Runs of a program, counted only while kernel.bpf_stats_enabled is on.",
    ("program",),
)
PROGRAM_SECONDS = Family(
    "program_run_seconds",
    _C,
    Source.PROGRAMS,
    "Time spent in a program, counted likewise.",
    ("program",),
)
JOIN_SECONDS = Family(
    "vf_join_seconds",
    _H,
    Source.MANAGER,
    "Time from the first netlink message about a VF until the kernel armed the pair with it.",
)
REPAIRS = Family(
    "repairs",
    _C,
    Source.MANAGER,
    "Programs and settings that were removed or changed externally and restored by the manager.",
    ("interface", "what"),
)
PROBE_SENT = Family(
    "probe_sent",
    _C,
    Source.MANAGER,
    "Questions that the probe sent to its targets, by the path in use.",
    _NIC,
)
PROBE_ANSWERED = Family(
    "probe_answered", _C, Source.MANAGER, "Answers of the targets, by whatever path they came.", _NIC
)
PROBE_REACHABLE = Family(
    "probe_reachable",
    _G,
    Source.MANAGER,
    "1 while a target answers by the VF, 0 while none does; no sample while the VF is not the path, without "
    "targets, or with the probe disabled.",
    _NIC,
)
RECONCILE_SECONDS = Family(
    "reconcile_duration_seconds", _H, Source.MANAGER, "Duration of a reconciliation: observe, plan, act."
)
RECONCILE_ERRORS = Family(
    "reconcile_errors",
    _C,
    Source.MANAGER,
    "Failed steps, failed reconciliations and pairs that could not be read for a scrape, by class of error; "
    "Exception is an unexpected error.",
    ("reason",),
)
LAST_RECONCILE = Family(
    "last_reconcile_timestamp_seconds",
    _G,
    Source.MANAGER,
    "Unix time of the last full reconciliation without an error.",
)
LOST_LINES = Family(
    "log_lines_lost",
    _C,
    Source.MANAGER,
    "Events that the manager could not write to stderr because the disk was full, or stderr was closed or "
    "not read. `netvsc-bpf events` has them.",
)
MAINTENANCE_PENDING = Family(
    "maintenance_pending",
    _G,
    Source.MANAGER,
    "Announced maintenance of this VM's host that is not over; no sample if no source of notices is "
    "configured.",
)
MAINTENANCE_SOURCE_UP = Family(
    "maintenance_source_up",
    _G,
    Source.MANAGER,
    "1 while this source of maintenance notices (azure, file) can be read and makes sense.",
    ("source",),
)
MANAGER_UP = Family("manager_up", _G, Source.EXPORTER, "1 while a manager runs for this network namespace.")
BUILD_INFO = Family(
    "build_info", _G, Source.EXPORTER, "Always 1: the running version and ABI.", ("version", "abi")
)
SCRAPE_SUCCESS = Family(
    "scrape_success", _G, Source.EXPORTER, "1 if all pairs could be read; 0 if some are missing."
)
SCRAPE_SECONDS = Family("scrape_duration_seconds", _G, Source.EXPORTER, "Duration of reading the pairs.")

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
    PROBE_SENT,
    PROBE_ANSWERED,
    PROBE_REACHABLE,
    RECONCILE_SECONDS,
    RECONCILE_ERRORS,
    LAST_RECONCILE,
    LOST_LINES,
    MAINTENANCE_PENDING,
    MAINTENANCE_SOURCE_UP,
    MANAGER_UP,
    BUILD_INFO,
    SCRAPE_SUCCESS,
    SCRAPE_SECONDS,
)
"""In the order of the output."""
