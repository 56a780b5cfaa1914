# SPDX-License-Identifier: GPL-2.0-only
"""The manager's configuration.

Each field with a Setting, here and in the policies, is a key of the configuration file (netvsc_bpf/config).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.metrics.config import MetricsConfig
from netvsc_bpf.model.names import read_back
from netvsc_bpf.model.setting import INTERFACE_NAME, Setting
from netvsc_bpf.planner.damping import DampingPolicy
from netvsc_bpf.planner.probe_policy import ProbePolicy
from netvsc_bpf.planner.stall import StallPolicy

EVENTS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class InterfaceConfig:
    """The settings of one interface, in place of the general ones; fields as in ManagerConfig."""

    options: AttachOptions
    settle_ms: int | None
    probe: ProbePolicy = field(default_factory=ProbePolicy)


@dataclass(frozen=True, slots=True)
class ManagerConfig:
    """Scope and timing of the manager.

    `settle_ms` None keeps the settle time of a pair that is already attached. `interval_s` is how long a lost
    event can go unnoticed. `step_limit_s` is how long a step on a pair may take before its VF is no longer
    used; the manager still waits for the step to return.
    """

    interfaces: Annotated[
        tuple[str, ...],
        Setting(
            "The synthetic NICs to manage; if empty, every NIC whose driver is a paravirtual one. "
            r"Write a byte that cannot be printed as \xNN.",
            pattern=INTERFACE_NAME,
            parse=read_back,
            shape="names of interfaces",
        ),
    ] = ()
    options: AttachOptions = field(default_factory=AttachOptions)
    settle_ms: int | None = None
    damping: DampingPolicy = field(default_factory=DampingPolicy)
    stall: StallPolicy = field(default_factory=StallPolicy)
    probe: ProbePolicy = field(default_factory=ProbePolicy)
    announce: AnnouncePolicy = field(default_factory=AnnouncePolicy)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    interval_s: Annotated[
        float,
        Setting(
            "Check all interfaces at least this often, in seconds: how long an unreported change can go "
            "unnoticed.",
            least=0.1,
            most=3600,
        ),
    ] = 30.0
    step_limit_s: Annotated[
        float,
        Setting(
            "A step that takes longer than this, in seconds, moves its pair to the synthetic path until it "
            "is done.",
            least=0.1,
            most=3600,
        ),
    ] = 10.0
    events_kept: Annotated[
        int,
        Setting(
            "Number of events kept in memory for `netvsc-bpf events`.", least=1, most=1_000_000, live=False
        ),
    ] = EVENTS_KEPT
    per_interface: Mapping[str, InterfaceConfig] = field(default_factory=dict)
    """By a name of the interface: the one it is managed by comes first; alternative names count too."""

    def of(self, *names: str) -> InterfaceConfig:
        """Return the settings of an interface with these names; the first that has a section is used."""
        found = next((self.per_interface[name] for name in names if name in self.per_interface), None)
        return InterfaceConfig(self.options, self.settle_ms, self.probe) if found is None else found
