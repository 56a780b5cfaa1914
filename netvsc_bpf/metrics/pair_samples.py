# SPDX-License-Identifier: GPL-2.0-only
"""Converts the state of pairs to samples. Pure, except for the totals that it carries over."""

from collections.abc import Iterator

from netvsc_bpf.metrics import closed_sets, families
from netvsc_bpf.metrics.monotonic import Monotonic
from netvsc_bpf.metrics.samples import Samples
from netvsc_bpf.metrics.snapshot import PairSample
from netvsc_bpf.metrics.unchanged_rows import FamilyRow, UnchangedRows
from netvsc_bpf.metrics.vf_problems import LOOKED_UP, Problem, Problems, has_other_mtu
from netvsc_bpf.model.path import GuardMode, Path, Reason
from netvsc_bpf.model.status import PairStatus

_STALLS = ((Path.SYNTHETIC, Reason.TX_TIMEOUT), (Path.SYNTHETIC, Reason.STALLED))


class PairSamples:
    """Adds the samples of pairs, scrape after scrape."""

    def __init__(self) -> None:
        self._totals = Monotonic()
        self._states = UnchangedRows()
        self._path_changes = closed_sets.path_changes()

    def add(self, samples: Samples, pairs: tuple[PairSample, ...], problems: Problems) -> None:
        """Add the samples of all pairs."""
        self._totals.begin_round()
        self._states.begin_round()
        self._path_changes.begin_round()
        for pair in pairs:
            self._states.add(samples, pair.status.synthetic.name, _state(pair, problems))
            counts: dict[closed_sets.Row, int] = {
                (to.value, reason.value): count for (to, reason), count in pair.changes.items()
            }
            self._path_changes.add(samples, pair.status.synthetic.name, counts)
            self._add_traffic(samples, pair.status)
            self._add_vf(samples, pair.status, pair.queue_stops)

    def _add_vf(self, samples: Samples, status: PairStatus, stops: int | None) -> None:
        """Add the counters of the VF, which are gone when the VF is removed."""
        name, pair, vf = status.synthetic.name, status.synthetic.ifindex, status.vf
        device = None if vf is None else vf.ifindex
        rx_errors, tx_errors, missed = (0, 0, 0) if vf is None else (vf.rx_errors, vf.tx_errors, vf.rx_missed)
        for direction, now in (("rx", rx_errors), ("tx", tx_errors)):
            total = self._totals.value((pair, direction), device, now)
            samples.add(families.VF_ERRORS, total, name, direction)
        samples.add(families.VF_MISSED, self._totals.value((pair, "missed"), device, missed), name)
        if stops is not None:
            total = self._totals.value((pair, "stops"), device, stops)
            samples.add(families.VF_QUEUE_STOPS, total, name)
        # Its initial value is kept in a map, so only the drops of a hot-removed VF are missing there.
        dropped = self._totals.value((pair, "drops"), None, status.drops.tx_vf)
        samples.add(families.DROPS, dropped, name, "tx", "vf")

    def _add_traffic(self, samples: Samples, status: PairStatus) -> None:
        name, pair = status.synthetic.name, status.synthetic.ifindex
        for direction, by_path in (("tx", status.tx), ("rx", status.rx)):
            for path, traffic in ((Path.VF, by_path.vf), (Path.SYNTHETIC, by_path.synthetic)):
                packets, size = traffic.packets, traffic.bytes
                if direction == "rx" and path is Path.SYNTHETIC and status.guard is GuardMode.OFF:
                    # The NIC's own: hv_netvsc's start again from 0 with its channels (netvsc_attach()).
                    packets = self._totals.value((pair, "packets"), None, packets)
                    size = self._totals.value((pair, "bytes"), None, size)
                samples.add(families.PACKETS, packets, name, direction, path)
                samples.add(families.BYTES, size, name, direction, path)
        if status.drops.rx_home is not None:
            samples.add(families.DROPS, status.drops.rx_home, name, "rx", "home")
        samples.add(families.DROPS, status.drops.rx_duplicate, name, "rx", "duplicate")


def _state(pair: PairSample, problems: Problems) -> Iterator[FamilyRow]:
    """Yield the samples that say how a pair is; most of them never change."""
    status, vf, name = pair.status, pair.status.vf, pair.status.synthetic.name
    only = (name,)
    yield families.VF_ACTIVE, status.path is Path.VF, only
    yield families.VF_PRESENT, vf is not None, only
    yield families.VF_CARRIER, vf is not None and vf.carrier, only
    yield families.VF_PERMITTED, pair.permitted, only
    yield families.VF_DAMPED, pair.damped, only
    yield families.DRAINED, status.drained is not None, only
    yield families.VF_TAKEN_DOWN, status.taken_down is not None, only
    yield families.PATH_REASON, 1, (name, status.reason)
    yield families.VF_STALLS, sum(pair.changes.get(stall, 0) for stall in _STALLS), only
    if status.last_change is not None:
        yield families.LAST_CHANGE, status.last_change.timestamp(), only
    named = ("", "") if vf is None else (vf.name, vf.driver or "")
    driver, how = status.synthetic.driver or "", (status.hook, status.liveness, status.rx_mode)
    yield families.INTERFACE_INFO, 1, (name, named[0], driver, named[1], *how)
    yield families.VF_MISCONFIGURED, has_other_mtu(pair), (name, Problem.MTU)
    found = frozenset() if vf is None else problems.get(vf.ifindex)
    if found is not None:
        for problem in LOOKED_UP:
            yield families.VF_MISCONFIGURED, problem in found, (name, problem)
    for hook, missing in pair.drift.items():
        yield families.DRIFT, missing, (name, hook)
