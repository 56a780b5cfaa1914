# SPDX-License-Identifier: GPL-2.0-only
"""What the manager is asked to do."""

from dataclasses import dataclass, field

from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.manager.announcement_plan import AnnouncePolicy
from netvsc_bpf.metrics.config import MetricsConfig
from netvsc_bpf.planner.damping import DampingPolicy


@dataclass(frozen=True, slots=True)
class ManagerConfig:
    """Interfaces to manage (none: every synthetic NIC that is one by its driver), and how.

    `settle_ms` None keeps the settle time of a pair that is attached already. `interval_s` is how long a lost
    event can go unnoticed.
    """

    interfaces: tuple[str, ...] = ()
    options: AttachOptions = field(default_factory=AttachOptions)
    settle_ms: int | None = None
    damping: DampingPolicy = field(default_factory=DampingPolicy)
    announce: AnnouncePolicy = field(default_factory=AnnouncePolicy)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    interval_s: float = 30.0
    step_limit_s: float = 10.0
