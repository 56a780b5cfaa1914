# SPDX-License-Identifier: GPL-2.0-only
"""One look at all attached pairs, cheap enough for each second: one netlink dump, then the pinned maps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from netvsc_bpf.datapath import interim_filter
from netvsc_bpf.datapath.pair_status import judge, read_pair
from netvsc_bpf.discovery.nics import SYSFS
from netvsc_bpf.discovery.sysfs import driver_of
from netvsc_bpf.kernel.bpf import abi, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.bpf.program_stats import ProgramStats, stats_enabled
from netvsc_bpf.kernel.net.queue_stats import QueueStops
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces, pin_root
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.metrics.drift import drift_of
from netvsc_bpf.metrics.known_links import KnownLinks
from netvsc_bpf.metrics.known_programs import KnownPrograms
from netvsc_bpf.metrics.last_round import LastRound
from netvsc_bpf.metrics.nics import dump_nics
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness, Path, Reason
from netvsc_bpf.model.status import PairStatus

_ATTEMPTS = 3
"""Whoever attaches or detaches at this very moment is done by the next one."""


@dataclass(frozen=True, slots=True)
class PairSample:
    """One attached pair."""

    status: PairStatus
    changes: Mapping[tuple[Path, Reason], int]
    """How often the path changed, by where to and why; what never happened is left out."""
    permitted: bool
    damped: bool
    """The manager withdrew the permission because the VF fails too often."""
    drift: Mapping[str, bool]
    """By hook that belongs to the pair: it is not attached. Hooks that no cheap look shows are left out."""
    queue_stops: int | None = None
    """How often the driver stopped a transmit queue of the VF; None where nobody counts that."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there was at one moment."""

    pairs: tuple[PairSample, ...] = ()
    programs: tuple[ProgramStats, ...] = ()
    bpf_stats: bool = False
    """The kernel counts the runs of programs."""
    failures: tuple[Exception, ...] = ()
    """Why pairs are left out that could not be read."""


@dataclass(frozen=True)
class _Look:
    """The NICs by number."""

    pins: NetnsPins
    nics: list[Nic]

    @cached_property
    def _by_number(self) -> dict[int, Nic]:
        return {nic.ifindex: nic for nic in self.nics}

    def nic(self, ifindex: int | None) -> Nic | None:
        """See datapath.status.Look."""
        return None if ifindex is None else self._by_number.get(ifindex)


class SnapshotReader:
    """Reads the network namespace of the thread that calls it."""

    def __init__(self) -> None:
        self._drivers = LastRound[tuple[int, str, str], str | None]()
        self._queue_stops, self._links = QueueStops(), KnownLinks()
        self._programs = KnownPrograms()

    def __call__(self) -> Snapshot:
        """Look. Raises NetvscBpfError or OSError where that fails each time it is tried.

        Whatever goes wrong in reading one pair leaves out that pair alone.
        """
        ours = NetnsPins(namespaces.current_inode())
        for attempts_left in reversed(range(_ATTEMPTS)):
            attached = pins.attached_ifindexes(ours)
            try:
                found = self._read(ours, attached) if attached else Snapshot()
                if not attempts_left or not (found.failures or any(map(_torn, found.pairs))):
                    return found
            except (NetvscBpfError, OSError):
                if not attempts_left:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _read(self, ours: NetnsPins, attached: list[int]) -> Snapshot:
        self._drivers.begin()
        with Rtnetlink() as rtnl:
            look = _Look(ours, dump_nics(rtnl, self._driver))
        with pin_root.held(ours.root), LoadedObject(ours) as loaded:
            if loaded.stale:
                return Snapshot()
            counted = stats_enabled()
            programs = self._programs(ours, loaded.build, attached, counted=counted)
            stops = self._queue_stops()
            netlink = loaded.liveness is Liveness.NETLINK  # there is no sentinel then
            shared = {} if netlink else {"sentinel": bool(loaded.lost_sentinel)}
            pairs, failures = [], []
            utc = CLOCKS.utc_converter()
            self._links.begin_round()
            for ifindex in attached:
                try:
                    sample = _sample(look, loaded, ifindex, stops, shared, self._links, utc)
                except Exception as error:  # of whatever kind: the other pairs are read
                    failures.append(error)
                else:
                    pairs += [] if sample is None else [sample]
        return Snapshot(tuple(pairs), programs, counted, tuple(failures))

    def _driver(self, ifindex: int, bus: str, parent: str) -> str | None:
        """Remember a driver as long as its interface lives: sysfs costs more than all the rest."""
        key = ifindex, bus, parent
        known = self._drivers.get(key) or driver_of(SYSFS, bus, parent)
        self._drivers.keep(key, known)
        return known


def _torn(pair: PairSample) -> bool:
    """Tell whether the VF came between the dump and the maps: it carries packets, and is not there."""
    return pair.status.path is Path.VF and pair.status.vf is None


@lru_cache(maxsize=4096)
def _changes(raw: bytes) -> Mapping[tuple[Path, Reason], int]:
    """Return what PairState.changes says: most pairs have not changed their path since the last scrape."""
    by_path = type(abi.PairState().changes).from_buffer_copy(raw)
    return {
        (path, reason): count
        for path, counts in zip(abi.PATHS, by_path, strict=True)
        for reason, count in zip(abi.REASONS, counts, strict=False)  # the kernel has room for more reasons
        if count and reason is not None
    }


def _sample(
    look: _Look,
    loaded: LoadedObject,
    ifindex: int,
    stops: Mapping[int, int],
    shared: Mapping[str, bool],
    known: KnownLinks,
    utc: Callable[[int], datetime],
) -> PairSample | None:
    """Describe one pair; None where it is coming or going. `shared`: drift of what all pairs share."""
    synthetic, maps = look.nic(ifindex), read_pair(loaded, ifindex, known.steer)
    if synthetic is None or maps is None:
        return None
    status = judge(look, loaded, synthetic, maps, utc)
    changes = _changes(bytes(maps.state.changes))
    withheld = None if maps.state.permitted else abi.REASONS[maps.state.reason]
    return PairSample(
        status,
        changes,
        bool(maps.state.permitted),
        damped=withheld is Reason.DAMPED,
        drift={
            **shared,
            **drift_of(
                look.pins,
                status,
                maps.steer,
                known,
                guarded=bool(maps.state.guard),
                interim=interim_filter.noted(maps.found),
            ),
        },
        queue_stops=None if status.vf is None else stops.get(status.vf.ifindex),
    )
