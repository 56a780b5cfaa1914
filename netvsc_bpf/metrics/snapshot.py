# SPDX-License-Identifier: GPL-2.0-only
"""The state of all attached pairs, cheap enough to read every second: one netlink dump, then the maps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache, partial

from netvsc_bpf.datapath import interim_filter
from netvsc_bpf.datapath.pair_status import judge, read_pair
from netvsc_bpf.discovery.counter_dumps import CounterDumps
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
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness, Path, Reason
from netvsc_bpf.model.status import PairStatus

_ATTEMPTS = 3
"""An attach or detach that runs during one attempt is done by the next one."""


@dataclass(frozen=True, slots=True)
class PairSample:
    """One attached pair."""

    status: PairStatus
    changes: Mapping[tuple[Path, Reason], int]
    """Number of path changes, by new path and reason, without zeros."""
    permitted: bool
    damped: bool
    """The manager withdrew the permission because the VF fails too often."""
    drift: Mapping[str, bool]
    """For each hook of the pair: whether its program is missing. Hooks costly to check are left out."""
    queue_stops: int | None = None
    """How often the driver stopped a transmit queue of the VF; None if this is not counted."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state at one time."""

    pairs: tuple[PairSample, ...] = ()
    programs: tuple[ProgramStats, ...] = ()
    bpf_stats: bool = False
    """The kernel counts the runs of programs."""
    failures: tuple[Exception, ...] = ()
    """The errors of pairs that could not be read and are left out."""


@dataclass(frozen=True)
class _Look:
    """The NICs by ifindex."""

    pins: NetnsPins
    nics: list[Nic]

    @cached_property
    def _by_number(self) -> dict[int, Nic]:
        return {nic.ifindex: nic for nic in self.nics}

    def nic(self, ifindex: int | None) -> Nic | None:
        """See datapath.status.Look."""
        return None if ifindex is None else self._by_number.get(ifindex)


class SnapshotReader:
    """Reads the network namespace of the calling thread."""

    def __init__(self) -> None:
        self._nics = CounterDumps()
        self._queue_stops, self._links = QueueStops(), KnownLinks()
        self._programs = KnownPrograms()

    def __call__(self) -> Snapshot:
        """Read a snapshot. Raises NetvscBpfError or OSError if every attempt fails.

        An error in reading one pair leaves out that pair only.
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
        with Rtnetlink() as rtnl:
            look = _Look(ours, self._nics(rtnl, partial(driver_of, SYSFS)))
        with pin_root.held(ours.root), LoadedObject(ours) as loaded:
            if loaded.stale:
                return Snapshot()
            counted = stats_enabled()
            programs = self._programs(ours, loaded.build, attached, counted=counted)
            stops = self._queue_stops()
            netlink = loaded.liveness is Liveness.NETLINK  # then there is no sentinel
            shared = {} if netlink else {"sentinel": bool(loaded.lost_sentinel)}
            pairs, failures = [], []
            utc = CLOCKS.utc_converter()
            self._links.begin_round()
            for ifindex in attached:
                try:
                    sample = _sample(look, loaded, ifindex, stops, shared, self._links, utc)
                except Exception as error:  # any error: go on with the other pairs
                    failures.append(error)
                else:
                    pairs += [] if sample is None else [sample]
        return Snapshot(tuple(pairs), programs, counted, tuple(failures))


def _torn(pair: PairSample) -> bool:
    """Return whether the VF appeared between the dump and the maps: in use, but not in the dump."""
    return pair.status.path is Path.VF and pair.status.vf is None


@lru_cache(maxsize=4096)
def _changes(raw: bytes) -> Mapping[tuple[Path, Reason], int]:
    """Decode PairState.changes; cached, since most pairs keep their path from one scrape to the next."""
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
    """Describe one pair; None while it is attached or detached. `shared`: drift of what all pairs share."""
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
