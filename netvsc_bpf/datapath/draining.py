# SPDX-License-Identifier: GPL-2.0-only
"""drain and undrain: both directions of a pair leave a VF that is well, and come back.

The kernel keeps that a pair is drained: from then on nothing arms it, and no permission is given
(ebpf/control.c). So a drain outlives every process, and whoever attaches or manages the pair goes by it.

Egress leaves the VF at once. Ingress leaves it when it is down, as an embedded switch, or hv_netvsc's host,
delivers to a VF that is up: so it is taken down a moment later, when what was on its way has arrived. A
running manager does that, and brings it up again, by its own policy; where none runs it is done here.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from netvsc_bpf.datapath import drains, homing, vf_settings
from netvsc_bpf.datapath.announcing import announce
from netvsc_bpf.datapath.joining import permit
from netvsc_bpf.datapath.loading import upgraded_or_load
from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS
from netvsc_bpf.datapath.session import Session, reading, writing
from netvsc_bpf.datapath.settling import wait_until_settled
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.discovery.lookup import find_by_name
from netvsc_bpf.kernel import abi, drain_notes
from netvsc_bpf.kernel.abi import ControlCommand, ControlResult
from netvsc_bpf.kernel.clock import CLOCKS
from netvsc_bpf.kernel.drain_notes import DrainNote
from netvsc_bpf.kernel.objects import LoadedObject
from netvsc_bpf.model import names
from netvsc_bpf.model.drain import FOR_LEAST_S, FOR_MOST_S, LINGER_S, WHY_MOST
from netvsc_bpf.model.errors import KernelError, NetvscBpfError, NoSuchNic, NotAttached, Refused
from netvsc_bpf.model.names import as_argument
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason

WAIT_MOST_MS = 10_000


class Attendant:
    """Who looks after pairs while they are drained and undrained; this one is nobody."""

    def is_there(self) -> bool:
        """Tell whether somebody does."""
        return False

    def looks(self) -> bool:
        """Have it look at the pairs and do what is due; tell whether it has. It may be gone by now."""
        return False


@dataclass(frozen=True, slots=True)
class _Half:
    """What a step needs of one pair."""

    session: Session
    loaded: LoadedObject
    synthetic: Nic
    slot: int

    @property
    def vf(self) -> Nic | None:
        """The VF that has been joined, while it is there."""
        joined = self.loaded.found(self.slot).vf_ifindex
        return self.session.nic(self.loaded.vf_ifindex(self.slot)) if joined else None


def drain(
    interface: str, for_s: float | None = None, why: str = "", attendant: Attendant | None = None
) -> list[str]:
    """Have a pair of this thread's network namespace leave its VF until undrain(), or for so many seconds.

    Returns once both directions have left it, with what could not be done, in words. `why` is kept with it,
    at most WHY_MOST bytes of UTF-8. Without an attendant nobody ends it when its time is over.
    Drained already: the new time and reason. Raises NoSuchNic, NotAttached, Refused, Busy, KernelError and
    their like; egress has left the VF then if a later step failed, and the pair is drained.
    """
    what, attendant = f"cannot drain {interface}", attendant or Attendant()
    _check(what, for_s, why)
    attended = attendant.is_there()
    with writing(what) as session:
        synthetic, slot = _attached(session, what, interface)
        with LoadedObject(session.pins) as loaded:
            before = drains.state_of(loaded, slot, synthetic.ifindex)
        now = CLOCKS.boottime()
        # The note first: who finds the pair drained finds the reason as well.
        note = DrainNote(now if before is None else before.at, why)
        drain_notes.write(session.pins, synthetic.ifindex, note)
        _set(session, slot, until(now, for_s))
        with LoadedObject(session.pins) as loaded:
            half = _Half(session, loaded, synthetic, slot)
            if not attended:
                _announce(half)
            lingers = half.vf is not None and half.vf.up
        left_out = _taken(session)
    if lingers:
        time.sleep(LINGER_S)
    if attended and attendant.looks():
        with reading(what) as session:
            _with(session, synthetic.ifindex, _say_if_up)
            return [*left_out, *_taken(session)]
    with writing(f"{interface} is drained, but its VF cannot be taken down") as session:
        _with(session, synthetic.ifindex, _take_down)
        return [*left_out, *_taken(session)]


def undrain(interface: str, attendant: Attendant | None = None) -> list[str]:
    """End the drain of a pair. Return what could not be done, in words.

    Waits once for its VF to settle, unless that takes longer than WAIT_MOST_MS: then the kernel sees to it.

    Raises NoSuchNic, NotAttached, Busy, KernelError and their like. Where it is not drained that is said.
    """
    what, attendant = f"cannot undrain {interface}", attendant or Attendant()
    with reading(what) as session:
        synthetic, _ = _attached(session, what, interface)
        if not _is_to_undrain(session, synthetic.ifindex):
            return [f"{synthetic.name} is not drained"]
    return _undrain(what, synthetic.ifindex, attendant)


def undrain_all(attendant: Attendant | None = None) -> tuple[list[str], list[NetvscBpfError]]:
    """End the drains of all pairs of this thread's network namespace; what keeps one keeps no other."""
    attendant, said, errors = attendant or Attendant(), list[str](), list[NetvscBpfError]()
    with reading("cannot undrain") as session:
        pairs = [ifindex for ifindex in session.attached() if _is_to_undrain(session, ifindex)]
        named = {ifindex: session.nic(ifindex) for ifindex in pairs}
    for ifindex, nic in named.items():
        if nic is not None:
            try:
                said += _undrain(f"cannot undrain {nic.name}", ifindex, attendant)
            except NetvscBpfError as error:
                errors.append(error)
    return said, errors


def _undrain(what: str, ifindex: int, attendant: Attendant) -> list[str]:
    with writing(what) as session:
        slot = _slot(session, ifindex)
        if slot is None:
            return []  # detached meanwhile
        _set(session, slot, 0)
    left_out: list[str] = []
    # Who attends brings the VF up, and permits it if it is fit.
    attended = attendant.is_there() and attendant.looks()
    if not attended:
        with writing(what) as session:
            _with(session, ifindex, _use_again)
            left_out = _taken(session)
    with reading(what) as session:
        _with(session, ifindex, _wait)
    if not attended:
        with reading(what) as session:
            _with(session, ifindex, _announce)
            left_out += _taken(session)
    with writing(what) as session:  # last: who finds us killed before goes on where we were
        _with(session, ifindex, _forget)
    return left_out


def until(now: int, for_s: float | None) -> int:
    """Return what the kernel is told (`drained_until`); `now` is CLOCK_BOOTTIME in ns. Pure."""
    return abi.DRAINED_FOR_GOOD if for_s is None else now + round(for_s * 1e9)


def _check(what: str, for_s: float | None, why: str) -> None:
    if for_s is not None and not (math.isfinite(for_s) and FOR_LEAST_S <= for_s <= FOR_MOST_S):
        raise Refused(what, f"a drain lasts {FOR_LEAST_S:g} to {FOR_MOST_S:g} s, not {for_s:g}")
    if (size := len(names.encode(why))) > WHY_MOST:
        raise Refused(what, f"its reason has {size} bytes", f"give at most {WHY_MOST}")
    if "\0" in why:
        raise Refused(what, "its reason has a zero byte in it")


def _attached(session: Session, what: str, interface: str) -> tuple[Nic, int]:
    nic = find_by_name(session.nics, interface)
    if nic is None:
        raise NoSuchNic(what, "there is no such interface", "see `ip link`")
    slot = _slot(session, nic.ifindex)
    if slot is None:
        raise NotAttached(what, "it is not attached", f"netvsc-bpf attach {as_argument(nic.name)}")
    return nic, slot


def _slot(session: Session, ifindex: int) -> int | None:
    if ifindex not in session.attached():
        return None
    with LoadedObject(session.pins) as loaded:
        return None if loaded.stale else find_pair_slot(loaded, ifindex)


def _is_to_undrain(session: Session, ifindex: int) -> bool:
    """Tell whether a pair is drained, or undrain was killed or failed, which leaves the note."""
    slot = _slot(session, ifindex)
    if slot is None:
        return False
    if drain_notes.read(session.pins, ifindex) is not None:
        return True
    with LoadedObject(session.pins) as loaded:
        return bool(loaded.pair(slot).drained_until)


def _set(session: Session, slot: int, until: int) -> None:
    """Have the kernel keep it, by the programs of this version: an earlier one's do not know of drains."""
    with LoadedObject(session.pins) as loaded:
        if loaded.control(ControlCommand.DRAIN, slot, until) is not ControlResult.BAD_COMMAND:
            return
    with upgraded_or_load(session, None) as loaded:
        loaded.control(ControlCommand.DRAIN, slot, until)


def _with(session: Session, ifindex: int, step: Callable[[_Half], None]) -> None:
    """Take a step for a pair as it is now; nothing happens where it is gone."""
    slot, synthetic = _slot(session, ifindex), session.nic(ifindex)
    if slot is not None and synthetic is not None:
        with LoadedObject(session.pins) as loaded:
            step(_Half(session, loaded, synthetic, slot))


def _take_down(half: _Half) -> None:
    """Have ingress leave the VF as well. One that is down, or whose synthetic NIC is, stays as it is."""
    vf, loaded, slot = half.vf, half.loaded, half.slot
    drained = drains.state_of(loaded, slot, half.synthetic.ifindex)
    if drained is None or vf is None or not (vf.up and half.synthetic.up):
        return
    _follow_up(half, vf, up=False, because=Reason.DRAINED)


def _say_if_up(half: _Half) -> None:
    """Say that the manager left the VF up, as its policy may be."""
    vf = half.vf
    if vf is not None and vf.up and half.synthetic.up:
        text = f"the manager leaves {vf.name} up: what the fabric delivers to it still comes by it"
        half.session.tools.left_out.append(text)


def _use_again(half: _Half) -> None:
    """Bring the VF up if it was taken down for the drain, and permit it if it fits: it settles then."""
    vf, loaded, slot, synthetic = half.vf, half.loaded, half.slot, half.synthetic
    if vf is None or loaded.pair(slot).drained_until:
        return
    found = loaded.found(slot)
    if synthetic.up and not vf.up and abi.REASONS[found.taken_down] is Reason.DRAINED:
        _follow_up(half, vf, up=True, because=None)
    state = loaded.pair(slot)
    fits = homing.leads(state, vf) and (vf.mac, vf.mtu) == (synthetic.mac, synthetic.mtu)
    if not fits or found.denied:
        again = f"netvsc-bpf attach {as_argument(synthetic.name)}"
        half.session.tools.left_out.append(f"{vf.name} is out of step with {synthetic.name}: {again}")
        return
    permit(loaded, slot, state.settle_ns // 1_000_000 or DEFAULT_SETTLE_MS, vf)


def _forget(half: _Half) -> None:
    """Remove the note, unless somebody drained the pair again meanwhile."""
    if not half.loaded.pair(half.slot).drained_until:
        drain_notes.remove(half.session.pins, half.synthetic.ifindex)


def _follow_up(half: _Half, vf: Nic, *, up: bool, because: Reason | None) -> None:
    loaded, slot = half.loaded, half.slot
    found = loaded.found(slot)
    vf_settings.follow_up(half.session.rtnl, found, vf, up, because, lambda: loaded.set_found(slot, found))
    loaded.set_found(slot, found)


def _wait(half: _Half) -> None:
    state, vf = half.loaded.pair(half.slot), half.vf
    settle_ms = state.settle_ns // 1_000_000
    if state.permitted and vf is not None and half.synthetic.up and settle_ms <= WAIT_MOST_MS:
        wait_until_settled(half.session, half.loaded, {half.slot: vf.ifindex}, settle_ms)


def _announce(half: _Half) -> None:
    """Tell the fabric where the pair is now. That can fail without harm: what is sent tells it as well."""
    vf = half.vf
    if vf is None:
        return
    try:
        announce(half.session, half.synthetic, vf)
    except (OSError, KernelError) as error:
        half.session.tools.left_out.append(f"cannot announce where {half.synthetic.name} is: {error}")


def _taken(session: Session) -> list[str]:
    left_out, session.tools.left_out[:] = list(session.tools.left_out), ()
    return left_out
