# SPDX-License-Identifier: GPL-2.0-only
"""The manager's configuration.

Each field with a Setting, here and in the policies, is a key of the configuration file (netvsc_bpf/config).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from netvsc_bpf.datapath.options import AttachOptions, applied
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.state.log_policy import LogPolicy
from netvsc_bpf.manager.state.maintenance_policy import MaintenancePolicy
from netvsc_bpf.metrics.config import MetricsConfig
from netvsc_bpf.model.attach_choice import AttachChoice
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
    announce: AnnouncePolicy = field(default_factory=AnnouncePolicy)
    probe: ProbePolicy = field(default_factory=ProbePolicy)
    named: frozenset[str] = frozenset()
    """The options that the file sets for this interface, or the command line for all.

    They override what `attach` chose for the pair; other options do not.
    """

    def with_choice(self, choice: AttachChoice) -> "InterfaceConfig":
        """Return the settings in force for a pair of which an operator chose `choice` with `attach`."""
        settle_ms = self.settle_ms if "settle_ms" in self.named else choice.settle_ms or self.settle_ms
        return replace(self, options=applied(self.options, choice, self.named), settle_ms=settle_ms)


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
            "The synthetic NICs to manage; if empty, what is attached, every hv_netvsc NIC, and every other "
            "paravirtual NIC for which there is a PCI NIC with the same MAC. "
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
    maintenance: MaintenancePolicy = field(default_factory=MaintenancePolicy)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    log: LogPolicy = field(default_factory=LogPolicy)
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
    overridden: frozenset[str] = frozenset()
    """The options of `[attach]` that the command line of `run` set."""
    per_interface: Mapping[str, InterfaceConfig] = field(default_factory=dict)
    """By a name of the interface: the one it is managed by comes first; alternative names count too."""

    def of(self, *names: str) -> InterfaceConfig:
        """Return the settings of an interface with these names; the first that has a section is used."""
        found = next((self.per_interface[name] for name in names if name in self.per_interface), None)
        if found is not None:
            return found
        return InterfaceConfig(self.options, self.settle_ms, self.announce, self.probe, self.overridden)
