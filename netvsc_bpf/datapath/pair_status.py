# SPDX-License-Identifier: GPL-2.0-only
"""status: the state of the attached pairs, read from the kernel."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from netvsc_bpf.datapath import drains
from netvsc_bpf.datapath.home_state import is_enabled
from netvsc_bpf.datapath.not_attached import not_attached, unattached
from netvsc_bpf.datapath.passed_by import passed_by
from netvsc_bpf.datapath.received_traffic import received_traffic
from netvsc_bpf.datapath.session import Session, reading
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.discovery.lookup import find_by_name
from netvsc_bpf.discovery.xdp_mode import attached_mode
from netvsc_bpf.kernel.bpf import abi, attach_notes, links
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.model.drain import Drain, Drained
from netvsc_bpf.model.errors import NoSuchNic
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Hook, Liveness, Path, Reason, RxMode, XdpMode
from netvsc_bpf.model.status import Drops, PairStatus, PathTraffic, Traffic

_WITHHELD = frozenset(
    {
        Reason.DAMPED,
        Reason.DRAINED,
        Reason.STALLED,
        Reason.UNREACHABLE,
        Reason.XDP_MISSING,
        Reason.NO_CARRIER,
    }
)
"""Reasons for which a VF that fits is deliberately not permitted."""


class NicLookup(Protocol):
    """Finds the NICs of this thread's network namespace; implemented by Session."""

    def nic(self, ifindex: int | None) -> Nic | None:
        """Return the NIC with that ifindex, None if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class PairMaps:
    """The contents of the maps for one pair."""

    state: abi.PairState
    found: abi.Found
    counters: abi.Counters
    """The sum over all CPUs."""
    vf_ifindex: int | None
    """The VF in the DEVMAP; None if there is none or it was unregistered."""
    steer: links.LinkState | None
    """steer's tcx link; None on clsact, or if its pin is gone."""
    drain: Drain | None = None


def status(interface: str | None = None) -> list[PairStatus]:
    """Return the attached pairs of this thread's network namespace, or one of them.

    Raises NoSuchNic, NotAttached, ForeignLayout, BpffsUnavailable, MissingCapability.
    """
    with reading("cannot read the state") as session:
        wanted = _wanted(session, interface)
        if not wanted:
            return []
        with LoadedObject(session.pins) as loaded:
            if loaded.stale:
                return []
            if interface is None:
                # A folder without a slot is left by a detach that was killed: there is no pair.
                wanted = [
                    one for one in wanted if find_pair_slot(loaded, one) is not None and session.nic(one)
                ]
            pairs = [pair_status(session, loaded, one) for one in wanted]
            if any(pair.vf is None for pair in pairs):
                from netvsc_bpf.datapath.unused_candidates import with_unused  # few need it

                pairs = with_unused(session, loaded, pairs)
            return pairs


def pair_status(nics: NicLookup, loaded: LoadedObject, ifindex: int) -> PairStatus:
    """Return the state of the pair of a synthetic NIC. Raises NotAttached if there is none."""
    synthetic, maps = nics.nic(ifindex), read_pair(loaded, ifindex)
    if synthetic is None or maps is None:
        name = f"interface {ifindex}" if synthetic is None else synthetic.name
        raise unattached(f"no status of {name}", name)
    chosen = attach_notes.read(loaded.pins, ifindex) or None
    seen = judge(nics, loaded, synthetic, maps)
    guard_xdp = _guard_xdp(loaded.pins, synthetic)
    return replace(seen, passed_by=_passed_by(maps), chosen=chosen, guard_xdp=guard_xdp)


def _guard_xdp(pins: NetnsPins, synthetic: Nic) -> XdpMode | None:
    guard = links.pinned_program_id(pins.copy(synthetic.ifindex, "guard"))
    return attached_mode(synthetic) if guard is not None and guard == synthetic.xdp_prog_id else None


def _passed_by(maps: PairMaps) -> tuple[int, ...]:
    """Return the tcx programs behind steer; none without the capability to query them (CAP_NET_ADMIN)."""
    if maps.steer is None or not maps.steer.ifindex:
        return ()
    try:
        return passed_by(maps.steer.ifindex, maps.steer.prog_id)
    except PermissionError:
        return ()


def _steer(pins: NetnsPins, ifindex: int) -> links.LinkState | None:
    return links.state(pins.link(ifindex, "steer"))


def read_pair(
    loaded: LoadedObject, ifindex: int, steer: Callable[[NetnsPins, int], links.LinkState | None] = _steer
) -> PairMaps | None:
    """Read the contents of the maps for one pair; None if it has no slot.

    `steer` finds its tcx link, given the pins and the ifindex of the synthetic NIC.
    """
    slot = find_pair_slot(loaded, ifindex)
    if slot is None:
        return None
    state = loaded.pair(slot)
    return PairMaps(
        state,
        loaded.found(slot),
        loaded.counters(slot),
        vf_ifindex=loaded.vf_ifindex(slot),
        steer=steer(loaded.pins, ifindex),
        drain=drains.described(loaded, state, ifindex),
    )


def judge(
    nics: NicLookup,
    loaded: LoadedObject,
    synthetic: Nic,
    maps: PairMaps,
    utc: Callable[[int], datetime] = CLOCKS.utc,
) -> PairStatus:
    """Derive the status from maps and NICs; `utc` converts the kernel's timestamps to the time of day."""
    state, found, counters = maps.state, maps.found, maps.counters
    vf = nics.nic(maps.vf_ifindex)
    rx_mode = RxMode.KERNEL if vf and is_enabled(state, vf) and not state.redirect_to else RxMode.REDIRECT
    guard = abi.GUARD_MODES[state.guard]
    armed = _takes_vf(loaded, maps, synthetic, vf)
    changed = utc(state.changed_at) if state.changed_at else None
    reason = Reason.ARMED if armed else _why_synthetic(state, found, synthetic, vf)
    return PairStatus(
        synthetic=synthetic,
        vf=vf,
        path=Path.VF if armed else Path.SYNTHETIC,
        reason=reason,
        hook=Hook.TCX if maps.steer else Hook.CLSACT,
        liveness=loaded.liveness,
        rx_mode=rx_mode,
        guard=guard,
        tx=_direction(counters.tx),
        rx=received_traffic(_direction(counters.rx), found, synthetic, guard),
        drops=_drops(counters, found, vf, loaded.liveness),
        path_changes=sum(map(sum, state.changes)),
        last_change=changed,
        since=changed if armed == bool(state.armed) else None,
        settle_ms=state.settle_ns // 1_000_000 or None,
        until=_settled_at(state, utc) if reason is Reason.SETTLING else None,
        taken_down=None if vf is None or vf.up else abi.REASONS[found.taken_down],
        drained=None if maps.drain is None else _drained(maps.drain, utc),
        return_policy=abi.RETURN_POLICIES[abi.Returns(state.returns)],
    )


def _wanted(session: Session, interface: str | None) -> list[int]:
    attached = session.attached()
    if interface is None:
        return attached
    nic = find_by_name(session.nics, interface)
    if nic is None:
        raise NoSuchNic(f"no status of {interface}", "there is no such interface", "see `ip link`")
    if nic.ifindex not in attached:
        raise not_attached(session, f"no status of {nic.name}", nic)
    return [nic.ifindex]


def _takes_vf(loaded: LoadedObject, maps: PairMaps, synthetic: Nic, vf: Nic | None) -> bool:
    """Return whether the next packet takes the VF: on level `live` a failure is detected by a packet only."""
    if not (maps.state.armed and synthetic.up) or vf is None:
        return False
    return loaded.liveness is not Liveness.LIVE or (vf.up and vf.carrier)


def _why_synthetic(state: abi.PairState, found: abi.Found, synthetic: Nic, vf: Nic | None) -> Reason:
    """Return the reason from the current state, not from the last change: the VF may have come up since."""
    last = abi.REASONS[state.reason]
    if vf is None:
        return Reason.NO_VF
    if found.denied:
        return abi.REASONS[found.denied] or Reason.NOT_PERMITTED
    if not synthetic.up:
        return Reason.SYNTHETIC_DOWN
    if state.drained_until:
        return Reason.DRAINED
    if state.returns == abi.Returns.PENDING:
        return Reason.MANUAL
    if not state.permitted:
        return last if last in _WITHHELD else Reason.NOT_PERMITTED
    if not vf.up:
        return Reason.VF_DOWN
    if not vf.carrier:
        return Reason.NO_CARRIER
    return Reason.SETTLING


def _settled_at(state: abi.PairState, utc: Callable[[int], datetime]) -> datetime | None:
    """Return when the VF will have settled, None if the kernel has not found it usable yet."""
    if not (state.permitted and state.usable_since):
        return None
    left = state.usable_since + state.settle_ns - CLOCKS.monotonic()
    return utc(CLOCKS.boottime() + left) if left > 0 else None


def _drained(drain: Drain, utc: Callable[[int], datetime]) -> Drained:
    until = None if drain.until is None else utc(drain.until)
    return Drained(utc(drain.at), until, drain.why, drain.by)


def _direction(by_path: ctypes.Array[abi.TrafficCount]) -> PathTraffic:
    synthetic, vf = (
        Traffic(by_path[number].packets, by_path[number].bytes) for number in range(len(abi.PATHS))
    )
    return PathTraffic(vf=vf, synthetic=synthetic)


def _drops(counters: abi.Counters, found: abi.Found, vf: Nic | None, liveness: Liveness) -> Drops:
    current = 0 if vf is None else max(0, vf.tx_dropped - found.vf_tx_dropped)
    return Drops(
        tx_vf=found.tx_dropped_before + current,
        rx_home=None if liveness is Liveness.NETLINK else counters.lost_home,
        rx_duplicate=counters.duplicates,
    )
