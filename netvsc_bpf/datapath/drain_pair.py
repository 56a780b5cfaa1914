# SPDX-License-Identifier: GPL-2.0-only
"""drain and undrain: move both directions of a pair off a working VF, and back.

The drain is stored in the kernel: while it lasts, nothing arms the pair and no permission is given
(ebpf/control.c). So a drain outlives every process, and `attach` and the manager respect it.

Egress leaves the VF at once. Ingress leaves it when the VF is down, because an embedded switch, or
hv_netvsc's host, delivers to a VF that is up. So the VF is taken down a moment later, when frames in flight
have arrived. A running manager does that, and brings the VF up again, according to its policy; without a
manager it is done here.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from netvsc_bpf.datapath import drains, vf_settings
from netvsc_bpf.datapath.announcing import announce
from netvsc_bpf.datapath.drain_store import needs_undrain, pair_slot, store
from netvsc_bpf.datapath.home_state import is_enabled
from netvsc_bpf.datapath.join import permit
from netvsc_bpf.datapath.manager_client import ManagerClient
from netvsc_bpf.datapath.not_attached import not_attached
from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS
from netvsc_bpf.datapath.session import Session, reading, writing
from netvsc_bpf.datapath.wait_settled import wait_until_settled
from netvsc_bpf.discovery.lookup import find_by_name
from netvsc_bpf.kernel.bpf import abi, drain_notes
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.drain_notes import DrainNote
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.model import names
from netvsc_bpf.model.drain import LINGER_S, MAX_FOR_S, MAX_WHY_BYTES, MIN_FOR_S
from netvsc_bpf.model.errors import KernelError, NetvscBpfError, NoSuchNic, Refused
from netvsc_bpf.model.names import as_argument
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.timestamp import local

MAX_WAIT_MS = 10_000
"""The longest that undrain waits for a VF to settle. With a longer settle time the kernel arms it later."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The pair that a step works on."""

    session: Session
    loaded: LoadedObject
    synthetic: Nic
    slot: int

    @property
    def vf(self) -> Nic | None:
        """The joined VF, None if there is none or it was removed."""
        joined = self.loaded.found(self.slot).vf_ifindex
        return self.session.nic(self.loaded.vf_ifindex(self.slot)) if joined else None


def drain(
    interface: str, for_s: float | None = None, why: str = "", manager: ManagerClient | None = None
) -> list[str]:
    """Move a pair of this thread's network namespace off its VF until undrain(), or for `for_s` seconds.

    Returns once both directions have left it, with warnings for what could not be done. `why` is stored with
    the drain, at most MAX_WHY_BYTES bytes of UTF-8. Without a running manager a drain with a time does not
    end by itself. If the pair is drained already, time and reason are replaced. Raises NoSuchNic,
    NotAttached, Refused, Busy, KernelError and similar errors; if a later step failed, the pair is drained
    and egress has left the VF.
    """
    what, manager = f"cannot drain {interface}", manager or ManagerClient()
    _check(what, for_s, why)
    managed = manager.is_running()
    with writing(what) as session:
        synthetic, slot = attached_nic(session, what, interface)
        with LoadedObject(session.pins) as loaded:
            before = drains.state_of(loaded, slot, synthetic.ifindex)
        now = CLOCKS.boottime()
        # The note first, so that a pair that is drained always has its reason.
        note = DrainNote(now if before is None else before.at, why)
        drain_notes.write(session.pins, synthetic.ifindex, note)
        store(session, slot, until(now, for_s))
        with LoadedObject(session.pins) as loaded:
            target = _Target(session, loaded, synthetic, slot)
            if not managed:
                _announce(target)
            lingers = target.vf is not None and target.vf.up
        warnings = _take_warnings(session)
    if lingers:
        time.sleep(LINGER_S)
    if managed and manager.reconcile():
        with reading(what) as session:
            _run(session, synthetic.ifindex, _warn_if_up)
            return [*warnings, *_take_warnings(session)]
    with writing(f"{interface} is drained, but its VF cannot be taken down") as session:
        _run(session, synthetic.ifindex, _take_down)
        if not managed:
            _run(session, synthetic.ifindex, _warn_of_its_end)
        return [*warnings, *_take_warnings(session)]


def undrain(interface: str, manager: ManagerClient | None = None, *, by_operator: bool = True) -> list[str]:
    """End the drain of a pair; `by_operator`: and allow the return of a VF that failed (policy `manual`).

    Return warnings for what could not be done, or that there was nothing to end.

    Waits once for its VF to settle, unless the settle time is longer than MAX_WAIT_MS: then the kernel arms
    it later. Raises NoSuchNic, NotAttached, Busy, KernelError and similar errors.
    """
    what, manager = f"cannot undrain {interface}", manager or ManagerClient()
    with reading(what) as session:
        synthetic, _ = attached_nic(session, what, interface)
        if not needs_undrain(session, synthetic.ifindex):
            return [f"{synthetic.name} is not drained"]
    return _undrain(what, synthetic.ifindex, manager, by_operator=by_operator)


def undrain_all(manager: ManagerClient | None = None) -> tuple[list[str], list[NetvscBpfError]]:
    """End the drains of all pairs of this thread's network namespace; return warnings and errors.

    A failure of one pair does not stop the others.
    """
    manager, warnings, errors = manager or ManagerClient(), list[str](), list[NetvscBpfError]()
    with reading("cannot undrain") as session:
        pairs = [ifindex for ifindex in session.attached() if needs_undrain(session, ifindex)]
        named = {ifindex: session.nic(ifindex) for ifindex in pairs}
    for ifindex, nic in named.items():
        if nic is not None:
            try:
                warnings += _undrain(f"cannot undrain {nic.name}", ifindex, manager)
            except NetvscBpfError as error:
                errors.append(error)
    return warnings, errors


def _undrain(what: str, ifindex: int, manager: ManagerClient, *, by_operator: bool = True) -> list[str]:
    with writing(what) as session:
        slot = pair_slot(session, ifindex)
        if slot is None:
            return []  # detached meanwhile
        store(session, slot, 0)
        if by_operator:
            allow_return(session, slot)
    warnings = bring_back(what, ifindex, manager)
    with writing(what) as session:  # last: if this process is killed before, the next undrain continues
        _run(session, ifindex, _remove_note)
    return warnings


def allow_return(session: Session, slot: int) -> None:
    """Allow the return of a VF that failed, if it waits for that; its next failure is the last again."""
    with LoadedObject(session.pins) as loaded:
        if loaded.pair(slot).returns == abi.Returns.PENDING:
            loaded.control(ControlCommand.RETURN, slot, abi.Returns.MANUAL)


def bring_back(what: str, ifindex: int, manager: ManagerClient) -> list[str]:
    """Have the VF of a pair used again, and wait once for it to settle; return warnings."""
    warnings: list[str] = []
    # A manager brings the VF up, and permits it if it fits.
    managed = manager.is_running() and manager.reconcile()
    if not managed:
        with writing(what) as session:
            _run(session, ifindex, _use_again)
            warnings = _take_warnings(session)
    with reading(what) as session:
        _run(session, ifindex, _wait)
    if not managed:
        with reading(what) as session:
            _run(session, ifindex, _announce)
            warnings += _take_warnings(session)
    return warnings


def until(now: int, for_s: float | None) -> int:
    """Return the value of `drained_until` in the kernel; `now` is CLOCK_BOOTTIME in ns. Pure."""
    return abi.DRAINED_INDEFINITELY if for_s is None else now + round(for_s * 1e9)


def _check(what: str, for_s: float | None, why: str) -> None:
    if for_s is not None and not (math.isfinite(for_s) and MIN_FOR_S <= for_s <= MAX_FOR_S):
        raise Refused(what, f"a drain lasts {MIN_FOR_S:g} to {MAX_FOR_S:g} s, not {for_s:g}")
    if (size := len(names.encode(why))) > MAX_WHY_BYTES:
        raise Refused(what, f"its reason has {size} bytes", f"give at most {MAX_WHY_BYTES}")
    if "\0" in why:
        raise Refused(what, "its reason contains a zero byte")


def attached_nic(session: Session, what: str, interface: str) -> tuple[Nic, int]:
    """Return a synthetic NIC and the slot of its pair. Raises NoSuchNic, NotAttached."""
    nic = find_by_name(session.nics, interface)
    if nic is None:
        raise NoSuchNic(what, "there is no such interface", "see `ip link`")
    slot = pair_slot(session, nic.ifindex)
    if slot is None:
        raise not_attached(session, what, nic)
    return nic, slot


def _run(session: Session, ifindex: int, step: Callable[[_Target], None]) -> None:
    """Run a step for a pair as it is now; does nothing if the pair is gone."""
    slot, synthetic = pair_slot(session, ifindex), session.nic(ifindex)
    if slot is not None and synthetic is not None:
        with LoadedObject(session.pins) as loaded:
            step(_Target(session, loaded, synthetic, slot))


def _take_down(target: _Target) -> None:
    """Take the VF down, so that ingress leaves it too, unless it or its synthetic NIC is down already."""
    vf, loaded, slot = target.vf, target.loaded, target.slot
    drained = drains.state_of(loaded, slot, target.synthetic.ifindex)
    if drained is None or vf is None or not (vf.up and target.synthetic.up):
        return
    _follow_up(target, vf, up=False, because=Reason.DRAINED)


def _warn_if_up(target: _Target) -> None:
    """Add a warning if the manager left the VF up, which its policy may be."""
    vf = target.vf
    if vf is not None and vf.up and target.synthetic.up:
        text = f"the manager leaves {vf.name} up: frames that the fabric delivers to it are still received"
        target.session.tools.warnings.append(text)


def _warn_of_its_end(target: _Target) -> None:
    """Add a warning that the drain outlasts its time where no manager runs."""
    until, name = target.loaded.pair(target.slot).drained_until, target.synthetic.name
    if until not in (0, abi.DRAINED_INDEFINITELY):
        text = f"no manager runs to end the drain of {name} at {local(CLOCKS.utc(until))}"
        target.session.tools.warnings.append(f"{text}: `netvsc-bpf undrain {as_argument(name)}` ends it")


def _use_again(target: _Target) -> None:
    """Bring the VF up if netvsc-bpf took it down, and permit it if it fits; then it settles."""
    vf, loaded, slot, synthetic = target.vf, target.loaded, target.slot, target.synthetic
    found, state = loaded.found(slot), loaded.pair(slot)
    if vf is None or state.drained_until or state.returns == abi.Returns.PENDING:
        return
    if not vf.up and abi.REASONS[found.taken_down] in drains.RETURNING:
        if synthetic.up:
            _follow_up(target, vf, up=True, because=None)
        else:
            again = f"once it is up, run `netvsc-bpf attach {as_argument(synthetic.name)}`"
            target.session.tools.warnings.append(
                f"{synthetic.name} is down, so {vf.name} stays down: {again}"
            )
    state = loaded.pair(slot)
    fits = is_enabled(state, vf) and (vf.mac, vf.mtu) == (synthetic.mac, synthetic.mtu)
    if not fits or found.denied:
        again = f"run `netvsc-bpf attach {as_argument(synthetic.name)}`"
        target.session.tools.warnings.append(f"{vf.name} is not in sync with {synthetic.name}; {again}")
        return
    permit(loaded, slot, state.settle_ns // 1_000_000 or DEFAULT_SETTLE_MS, vf)


def _remove_note(target: _Target) -> None:
    """Remove the note, unless the pair was drained again meanwhile."""
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
    """Announce the pair to the fabric. A failure is a warning only: switches learn from other packets too."""
    vf = target.vf
    if vf is None:
        return
    try:
        announce(target.session, target.synthetic, vf)
    except (OSError, KernelError) as error:
        target.session.tools.warnings.append(f"cannot announce where {target.synthetic.name} is: {error}")


def _take_warnings(session: Session) -> list[str]:
    warnings, session.tools.warnings[:] = list(session.tools.warnings), ()
    return warnings
