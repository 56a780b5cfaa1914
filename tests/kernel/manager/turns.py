# SPDX-License-Identifier: GPL-2.0-only
"""The manager's one turn, called in this process, where any of its steps can be made to fail."""

from dataclasses import dataclass, field

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.kinds import Event, Kind
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.path import Path, Reason

CONFIG = ManagerConfig(interfaces=("eth0",), options=AttachOptions(any_bus=True), settle_ms=10)


@dataclass
class Turns:
    """A reconciler that runs on demand, and a clock that the test advances."""

    lab: Lab
    events: list[Event] = field(default_factory=list)
    now: float = 1000.0
    config: ManagerConfig = CONFIG

    def __post_init__(self) -> None:
        self.reconciler = Reconciler(self.config, Reporter(self.events.append), clock=lambda: self.now)

    def turn(self) -> float | None:
        return self.lab.in_guest(self.reconciler)

    def armed(self) -> bool:
        self.turn()
        return self.where == (Path.VF, Reason.ARMED)

    @property
    def where(self) -> tuple[Path, Reason] | None:
        return self.where_of("eth0")

    def where_of(self, name: str) -> tuple[Path, Reason] | None:
        found = [one for one in self.lab.in_guest(datapath.status) if one.synthetic.name == name]
        return (found[0].path, found[0].reason) if found else None

    def events_of(self, kind: Kind) -> list[str]:
        return [event.text for event in self.events if event.kind is kind]
