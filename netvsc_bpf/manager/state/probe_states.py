# SPDX-License-Identifier: GPL-2.0-only
"""What the probes of all network namespaces found, for `status` and the metrics. Any thread may use it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.model.probe import Probe, ProbeState

_REACHABLE: Mapping[ProbeState, bool | None] = {
    ProbeState.REACHABLE: True,
    ProbeState.SILENT: False,
    ProbeState.UNPROVEN: False,
    ProbeState.CHECKING: None,
    ProbeState.NO_TARGETS: None,
    ProbeState.IDLE: None,
}
"""The metric's value; None: no sample, as nothing is known of the path in use."""


@dataclass(frozen=True, slots=True)
class Probed:
    """The probe of one pair after a look; without time of day, which takes long to compute."""

    targets: tuple[str, ...]
    state: ProbeState
    last: int | None = None
    """CLOCK_BOOTTIME ns of the last answer."""


@dataclass(slots=True)
class ProbeStates:
    """The pairs of one network namespace, by the ifindex of the synthetic NIC."""

    stats: ManagerStats
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _probes: dict[int, tuple[str, Probed]] = field(default_factory=dict)

    def noted(self, ifindex: int, name: str, probe: Probed, *, sent: int, answered: int) -> None:
        """Note the state of a pair after a look, and what was sent and answered since the last one."""
        with self._lock:
            self._probes[ifindex] = name, probe
        self.stats.probed(name, sent, answered, _REACHABLE[probe.state])

    def keep(self, pairs: set[int]) -> None:
        """Forget the pairs that are not probed any more."""
        with self._lock:
            gone = [self._probes.pop(one)[0] for one in self._probes.keys() - pairs]
        for name in gone:
            self.stats.probed(name, 0, 0, None)

    def now(self) -> Mapping[int, Probe]:
        """Return the states."""
        with self._lock:
            now = {ifindex: probe for ifindex, (_, probe) in self._probes.items()}
        return {ifindex: _described(probe) for ifindex, probe in now.items()}


def _described(probe: Probed) -> Probe:
    last = None if probe.last is None else CLOCKS.utc(probe.last)
    return Probe(probe.targets, probe.state, last)
