# SPDX-License-Identifier: GPL-2.0-only
"""Attaches home to a VF, and sets where it redirects."""

import errno
import os

from netvsc_bpf.datapath import interim_filter
from netvsc_bpf.datapath.pairs import CLSACT_ON_VF, note_clsact
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_home_slot, free_home_slot
from netvsc_bpf.kernel.bpf import abi, links, pair_programs
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tc import TcHook
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.model.errors import KernelError, NoBtf
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Hook, RxMode


def enable(loaded: LoadedObject, pair: Pair, slot: int, rx: RxMode) -> None:
    """Have home take the frames of the VF: redirect them to the synthetic NIC, or count them only."""
    vf = pair.vf
    assert vf is not None
    home = abi.Home(vf_ifindex=vf.ifindex, pair_slot=slot)
    loaded.set_home(free_home_slot(loaded, vf.ifindex), home)
    _set_home(loaded, slot, vf.ifindex, pair.synthetic.ifindex if rx is RxMode.REDIRECT else 0, vf.name)


def disable(loaded: LoadedObject, slot: int, vf_ifindex: int) -> None:
    """Have the pair's home pass the VF's frames on unchanged."""
    loaded.control(ControlCommand.HOME, slot, 0)
    home_slot = find_home_slot(loaded, vf_ifindex)
    if home_slot is not None:
        loaded.set_home(home_slot, abi.Home())


def is_enabled(state: abi.PairState, vf: Nic) -> bool:
    """Return whether home is enabled for this VF. The kernel ends it when a device leaves the namespace."""
    return bool(state.home_ifindex == vf.ifindex)


def restore(loaded: LoadedObject, slot: int, before: abi.PairState) -> None:
    """Enable home as before, for devices that are still here: no sentinel watched them meanwhile."""
    loaded.control(ControlCommand.HOME, slot, before.home_ifindex | before.redirect_to << 32)


def _check_present(loaded: LoadedObject, slot: int, pair: Pair) -> None:
    """Raise OSError ENODEV if a device left this namespace while home was being enabled for it.

    The sentinel may have run before the control program stored the device, and the DEVMAP entry may have been
    deleted after the control program read it. Attaching takes the lock under which a device moves, so the
    entry is reliable now.
    """
    assert pair.vf is not None
    present = loaded.vf_ifindex(slot), loaded.synthetic_ifindex(slot)
    if present != (pair.vf.ifindex, pair.synthetic.ifindex):
        disable(loaded, slot, pair.vf.ifindex)
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


def _set_home(loaded: LoadedObject, slot: int, vf_ifindex: int, redirect_to: int, name: str) -> None:
    what = f"cannot redirect the frames of {name}"
    result = loaded.control(ControlCommand.HOME, slot, vf_ifindex | redirect_to << 32)
    if result is ControlResult.BAD_LAYOUT:
        raise NoBtf(what, "the kernel's type information does not match it", "use --liveness netlink")
    if result in (ControlResult.NO_VF, ControlResult.NO_PAIR):
        raise KernelError(what, "the interface vanished", "attach again once it is back", errno=errno.ENODEV)


def attach(
    session: Session, loaded: LoadedObject, hook: TcHook, pair: Pair, slot: int, *, quick: bool = False
) -> None:
    """Attach home where it is not attached.

    With `quick`, on kernels with tcx, an interim filter is enough (interim_filter.py); the caller attaches
    again later without `quick`. Raises KernelError.
    """
    vf = pair.vf
    assert vf is not None
    ifindex = pair.synthetic.ifindex
    pin = session.pins.link(ifindex, "home")
    with (
        changing(f"cannot attach home to {vf.name}"),
        pair_programs.opened(loaded, ifindex, slot, "home") as program,
    ):
        if not hook.attached(links.program_id(program), vf.ifindex, Direction.INGRESS, pin):
            links.remove(pin)
            if (
                quick
                and hook.name is Hook.TCX
                and interim_filter.attach(session, loaded, slot, vf.ifindex, program, pin)
            ):
                _check_present(loaded, slot, pair)
                return
            if hook.adds_qdisc(vf.ifindex):
                note_clsact(loaded, slot, CLSACT_ON_VF)
            hook.attach(program, vf.ifindex, Direction.INGRESS, pin)
        _check_present(loaded, slot, pair)
        if interim_filter.noted(loaded.found(slot)):
            interim_filter.detach_noted(session, loaded, slot, vf.ifindex, links.program_id(program))


def detach(session: Session, hook: TcHook, found: abi.Found, vf: Nic, ifindex: int) -> None:
    """Detach home from the VF of the synthetic NIC `ifindex`, and remove the qdisc that was added for it."""
    pin = session.pins.link(ifindex, "home")
    program = links.pinned_program_id(session.pins.copy(ifindex, "home"))
    hook.detach(program, vf.ifindex, Direction.INGRESS, pin)
    if interim_filter.noted(found) and program is not None:
        interim_filter.remove(session, vf.ifindex, program)
    if found.clsact_added & CLSACT_ON_VF:
        clsact.remove_qdisc_if_empty(session.rtnl, vf.ifindex)


def forget(found: abi.Found) -> None:
    """Clear the bits in `found` for what was added to a VF that is released."""
    found.clsact_added &= ~(CLSACT_ON_VF | interim_filter.INTERIM_HOME)
