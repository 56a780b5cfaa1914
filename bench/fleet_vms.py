# SPDX-License-Identifier: GPL-2.0-only
"""A fleet of made-up VMs: what each is, and what its exporter answers.

The answers come from the real collector, once for each kind of VM; what changes from scrape to scrape is
filled in afterwards, which costs little enough to serve thousands of VMs by one process.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache

from prometheus_client import CollectorRegistry

from netvsc_bpf import __version__
from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.metrics.snapshot import PairSample, Snapshot
from netvsc_bpf.metrics.text import encode
from netvsc_bpf.model.drain import Drained
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Hook, Liveness, Path, Reason, RxMode
from netvsc_bpf.model.status import Drops, PairStatus, PathTraffic, Traffic

REGIONS = tuple(f"region{number}" for number in range(8))
DRIVERS = (
    ("hv_netvsc", "mlx5_core"),
    ("hv_netvsc", "mana"),
    ("virtio_net", "iavf"),
    ("virtio_net", "mlx5_core"),
)
VERSIONS = ("1.0.0", "1.0.0", "1.0.0", "1.1.0")
"""A quarter of the fleet has the new version."""
_MAC = "00:15:5d:01:02:03"
_BYTES_S, _PACKETS_S = 125_000, 1_000
_FAILURES_S = 0.5
"""Of a VF that flaps: more than the five that an hour may have, after a quarter of a minute."""
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class State(StrEnum):
    """What a VM may be in; the values are those of the label `state` in the rules, but for the last."""

    VF = "vf"
    SLOW_PATH = "slow-path"
    NO_VF = "no-vf"
    FLAPPING = "flapping"
    DAMPED = "damped"
    DRAINED = "drained"
    UNREACHABLE = "unreachable"
    NOT_PROBED = "not-probed"
    SILENT = "silent"
    """Its exporter does not answer."""


_OF_HUNDRED = (
    *(State.SLOW_PATH, State.NO_VF, State.FLAPPING, State.DAMPED, State.DRAINED, State.DRAINED),
    *(State.UNREACHABLE, State.NOT_PROBED, State.SILENT),
)
"""The first VMs of each hundred; the others are on their VF."""
_COUNTED_IN = {
    State.FLAPPING: (State.FLAPPING, State.VF),
    State.NOT_PROBED: (State.NOT_PROBED, State.VF),
    State.UNREACHABLE: (State.UNREACHABLE, State.SLOW_PATH),
    State.SILENT: (),
}
_REASONS = {
    State.SLOW_PATH: Reason.NO_CARRIER,
    State.NO_VF: Reason.VF_GONE,
    State.DAMPED: Reason.DAMPED,
    State.DRAINED: Reason.DRAINED,
    State.UNREACHABLE: Reason.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Vm:
    """One VM of the fleet, by its number."""

    number: int

    @property
    def address(self) -> str:
        """An address of the loopback network, which a server on all addresses answers for."""
        return f"127.1.{self.number // 250}.{self.number % 250 + 1}"

    @property
    def region(self) -> str:
        """The region that the scraper knows it to be in."""
        return REGIONS[self.number // 100 % len(REGIONS)]

    @property
    def state(self) -> State:
        """What it is in."""
        place = self.number % 100
        return _OF_HUNDRED[place] if place < len(_OF_HUNDRED) else State.VF

    def answer(self, elapsed_s: float, now: float) -> bytes:
        """Return what its exporter answers, so long after the fleet began; `now` is Unix time."""
        kind = self.number // 100 + self.number
        template = _template(self.state, DRIVERS[kind % len(DRIVERS)], VERSIONS[kind // 4 % len(VERSIONS)])
        return template % {
            b"bytes": int(elapsed_s * _BYTES_S),
            b"packets": int(elapsed_s * _PACKETS_S),
            b"failures": int(elapsed_s * _FAILURES_S),
            b"now": int(now),
        }


def expected(vms: int) -> Mapping[str, int]:
    """Return how many VMs the rules must count in each state."""
    counts = Counter({state.value: 0 for state in State if state is not State.SILENT})
    for number in range(vms):
        state = Vm(number).state
        counts.update(one.value for one in _COUNTED_IN.get(state, (state,)))
    return dict(counts)


@cache
def _template(state: State, drivers: tuple[str, str], version: str) -> bytes:
    registry, stats = CollectorRegistry(), ManagerStats(clock=lambda: 0.0)
    stats.reconciled(0.004)
    stats.joined(0.15)
    stats.probed("eth0", 1, 1, state is not State.NOT_PROBED if _reason(state) is Reason.ARMED else None)
    snapshot = Snapshot((_pair(state, drivers),))
    PairCollector(registry, lambda: snapshot, problems=lambda _: {}, manager_up=lambda: True, stats=stats)
    text = (
        encode(registry)
        .decode()
        .replace("%", "%%")
        .replace(f'version="{__version__}"', f'version="{version}"')
    )
    text = re.sub(r'(?m)^(netvsc_bpf_bytes_total\{.*path="vf"\}) \S+$', r"\1 %(bytes)d", text)
    text = re.sub(r'(?m)^(netvsc_bpf_packets_total\{.*path="vf"\}) \S+$', r"\1 %(packets)d", text)
    text = re.sub(r"(?m)^(netvsc_bpf_last_reconcile_timestamp_seconds) \S+$", r"\1 %(now)d", text)
    if state is State.FLAPPING:
        to = r'netvsc_bpf_path_changes_total\{interface="eth0",reason="vf-down",to="synthetic"\}'
        text, found = re.subn(rf"(?m)^({to}) \S+$", r"\1 %(failures)d", text)
        assert found == 1, "the collector has no counter of failures"
    return text.encode()


def _reason(state: State) -> Reason:
    return _REASONS.get(state, Reason.ARMED)


def _pair(state: State, drivers: tuple[str, str]) -> PairSample:
    synthetic = Nic(2, "eth0", _MAC, 1500, True, True, driver=drivers[0])
    vf = Nic(3, "enP1s1", _MAC, 1500, True, state is not State.SLOW_PATH, driver=drivers[1])
    reason = _reason(state)
    status = PairStatus(
        synthetic,
        None if state is State.NO_VF else vf,
        Path.VF if reason is Reason.ARMED else Path.SYNTHETIC,
        *(reason, Hook.TCX, Liveness.FENTRY, RxMode.KERNEL, GuardMode.OFF),
        tx=PathTraffic(Traffic(1, 1), Traffic(1, 1)),
        rx=PathTraffic(Traffic(1, 1), Traffic(1, 1)),
        drops=Drops(),
        path_changes=1,
        last_change=_BEGAN,
        drained=Drained(_BEGAN) if state is State.DRAINED else None,
    )
    damped = state is State.DAMPED
    drift = {hook: False for hook in ("steer", "guard", "sentinel")}
    return PairSample(
        status, {(Path.VF, Reason.ARMED): 1}, reason is Reason.ARMED, damped, drift, queue_stops=0
    )
