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

from netvsc_bpf.datapath import drains, home_hook, vf_settings
from netvsc_bpf.datapath.announcing import announce
from netvsc_bpf.datapath.join import permit
from netvsc_bpf.datapath.load import upgraded_or_load
from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS
from netvsc_bpf.datapath.session import Session, reading, writing
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.datapath.wait_settled import wait_until_settled
from netvsc_bpf.discovery.lookup import find_by_name
from netvsc_bpf.kernel.bpf import abi, drain_notes
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.kernel.bpf.drain_notes import DrainNote
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.model import names
from netvsc_bpf.model.drain import LINGER_S, MAX_FOR_S, MAX_WHY_BYTES, MIN_FOR_S
from netvsc_bpf.model.errors import KernelError, NetvscBpfError, NoSuchNic, NotAttached, Refused
from netvsc_bpf.model.names import as_argument
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason

MAX_WAIT_MS = 10_000
"""Nobody wants to wait longer for a command: of a longer settle time the kernel knows as well."""


class ManagerClient:
    """How a manager is asked, if one runs; this one knows of none."""

    def is_running(self) -> bool:
        """Tell whether one runs for this thread's network namespace."""
        return False

    def reconcile(self) -> bool:
        """Have it look at its pairs and do what is due; tell whether it has. It may be gone by now."""
        return False


@dataclass(frozen=True, slots=True)
class _Target:
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
    interface: str, for_s: float | None = None, why: str = "", manager: ManagerClient | None = None
) -> list[str]:
    """Have a pair of this thread's network namespace leave its VF until undrain(), or for so many seconds.

    Returns once both directions have left it, with what could not be done, in words. `why` is kept with it,
    at most MAX_WHY_BYTES bytes of UTF-8. Without a running manager nobody ends it when its time is over.
    Drained already: the new time and reason. Raises NoSuchNic, NotAttached, Refused, Busy, KernelError and
    their like; egress has left the VF then if a later step failed, and the pair is drained.
    """
    what, manager = f"cannot drain {interface}", manager or ManagerClient()
    _check(what, for_s, why)
    managed = manager.is_running()
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
            target = _Target(session, loaded, synthetic, slot)
            if not managed:
                _announce(target)
            lingers = target.vf is not None and target.vf.up
        warnings = _taken(session)
    if lingers:
        time.sleep(LINGER_S)
    if managed and manager.reconcile():
        with reading(what) as session:
            _with(session, synthetic.ifindex, _say_if_up)
            return [*warnings, *_taken(session)]
    with writing(f"{interface} is drained, but its VF cannot be taken down") as session:
        _with(session, synthetic.ifindex, _take_down)
        return [*warnings, *_taken(session)]


def undrain(interface: str, manager: ManagerClient | None = None) -> list[str]:
    """End the drain of a pair. Return what could not be done, in words.

    Waits once for its VF to settle, unless that takes longer than MAX_WAIT_MS: then the kernel sees to it.

    Raises NoSuchNic, NotAttached, Busy, KernelError and their like. Where it is not drained that is said.
    """
    what, manager = f"cannot undrain {interface}", manager or ManagerClient()
    with reading(what) as session:
        synthetic, _ = _attached(session, what, interface)
        if not _is_to_undrain(session, synthetic.ifindex):
            return [f"{synthetic.name} is not drained"]
    return _undrain(what, synthetic.ifindex, manager)


def undrain_all(manager: ManagerClient | None = None) -> tuple[list[str], list[NetvscBpfError]]:
    """End the drains of all pairs of this thread's network namespace; what keeps one keeps no other."""
    manager, said, errors = manager or ManagerClient(), list[str](), list[NetvscBpfError]()
    with reading("cannot undrain") as session:
        pairs = [ifindex for ifindex in session.attached() if _is_to_undrain(session, ifindex)]
        named = {ifindex: session.nic(ifindex) for ifindex in pairs}
    for ifindex, nic in named.items():
        if nic is not None:
            try:
                said += _undrain(f"cannot undrain {nic.name}", ifindex, manager)
            except NetvscBpfError as error:
                errors.append(error)
    return said, errors


def _undrain(what: str, ifindex: int, manager: ManagerClient) -> list[str]:
    with writing(what) as session:
        slot = _slot(session, ifindex)
        if slot is None:
            return []  # detached meanwhile
        _set(session, slot, 0)
    warnings: list[str] = []
    # A manager brings the VF up, and permits it if it is fit.
    managed = manager.is_running() and manager.reconcile()
    if not managed:
        with writing(what) as session:
            _with(session, ifindex, _use_again)
            warnings = _taken(session)
    with reading(what) as session:
        _with(session, ifindex, _wait)
    if not managed:
        with reading(what) as session:
            _with(session, ifindex, _announce)
            warnings += _taken(session)
    with writing(what) as session:  # last: who finds us killed before goes on where we were
        _with(session, ifindex, _forget)
    return warnings


def until(now: int, for_s: float | None) -> int:
    """Return what the kernel is told (`drained_until`); `now` is CLOCK_BOOTTIME in ns. Pure."""
    return abi.DRAINED_INDEFINITELY if for_s is None else now + round(for_s * 1e9)


def _check(what: str, for_s: float | None, why: str) -> None:
    if for_s is not None and not (math.isfinite(for_s) and MIN_FOR_S <= for_s <= MAX_FOR_S):
        raise Refused(what, f"a drain lasts {MIN_FOR_S:g} to {MAX_FOR_S:g} s, not {for_s:g}")
    if (size := len(names.encode(why))) > MAX_WHY_BYTES:
        raise Refused(what, f"its reason has {size} bytes", f"give at most {MAX_WHY_BYTES}")
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


def _with(session: Session, ifindex: int, step: Callable[[_Target], None]) -> None:
    """Take a step for a pair as it is now; nothing happens where it is gone."""
    slot, synthetic = _slot(session, ifindex), session.nic(ifindex)
    if slot is not None and synthetic is not None:
        with LoadedObject(session.pins) as loaded:
            step(_Target(session, loaded, synthetic, slot))


def _take_down(target: _Target) -> None:
    """Have ingress leave the VF as well. One that is down, or whose synthetic NIC is, stays as it is."""
    vf, loaded, slot = target.vf, target.loaded, target.slot
    drained = drains.state_of(loaded, slot, target.synthetic.ifindex)
    if drained is None or vf is None or not (vf.up and target.synthetic.up):
        return
    _follow_up(target, vf, up=False, because=Reason.DRAINED)


def _say_if_up(target: _Target) -> None:
    """Say that the manager left the VF up, as its policy may be."""
    vf = target.vf
    if vf is not None and vf.up and target.synthetic.up:
        text = f"the manager leaves {vf.name} up: what the fabric delivers to it still comes by it"
        target.session.tools.warnings.append(text)


def _use_again(target: _Target) -> None:
    """Bring the VF up if it was taken down for the drain, and permit it if it fits: it settles then."""
    vf, loaded, slot, synthetic = target.vf, target.loaded, target.slot, target.synthetic
    if vf is None or loaded.pair(slot).drained_until:
        return
    found = loaded.found(slot)
    if synthetic.up and not vf.up and abi.REASONS[found.taken_down] is Reason.DRAINED:
        _follow_up(target, vf, up=True, because=None)
    state = loaded.pair(slot)
    fits = home_hook.is_enabled(state, vf) and (vf.mac, vf.mtu) == (synthetic.mac, synthetic.mtu)
    if not fits or found.denied:
        again = f"netvsc-bpf attach {as_argument(synthetic.name)}"
        target.session.tools.warnings.append(f"{vf.name} is out of step with {synthetic.name}: {again}")
        return
    permit(loaded, slot, state.settle_ns // 1_000_000 or DEFAULT_SETTLE_MS, vf)


def _forget(target: _Target) -> None:
    """Remove the note, unless somebody drained the pair again meanwhile."""
    if not target.loaded.pair(target.slot).drained_until:
        drain_notes.remove(target.session.pins, target.synthetic.ifindex)


def _follow_up(target: _Target, vf: Nic, *, up: bool, because: Reason | None) -> None:
    loaded, slot = target.loaded, target.slot
    found = loaded.found(slot)
    vf_settings.follow_up(target.session.rtnl, found, vf, up, because, lambda: loaded.set_found(slot, found))
    loaded.set_found(slot, found)


def _wait(target: _Target) -> None:
    state, vf = target.loaded.pair(target.slot), target.vf
    settle_ms = state.settle_ns // 1_000_000
    if state.permitted and vf is not None and target.synthetic.up and settle_ms <= MAX_WAIT_MS:
        wait_until_settled(target.session, target.loaded, {target.slot: vf.ifindex}, settle_ms)


def _announce(target: _Target) -> None:
    """Tell the fabric where the pair is now. That can fail without harm: what is sent tells it as well."""
    vf = target.vf
    if vf is None:
        return
    try:
        announce(target.session, target.synthetic, vf)
    except (OSError, KernelError) as error:
        target.session.tools.warnings.append(f"cannot announce where {target.synthetic.name} is: {error}")


def _taken(session: Session) -> list[str]:
    warnings, session.tools.warnings[:] = list(session.tools.warnings), ()
    return warnings
