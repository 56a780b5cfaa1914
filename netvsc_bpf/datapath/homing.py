# SPDX-License-Identifier: GPL-2.0-only
"""home on a VF: what it runs by, and where it leads."""

from netvsc_bpf.datapath import makeshift
from netvsc_bpf.datapath.pairs import CLSACT_ON_VF, note_clsact
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_home_slot, free_home_slot
from netvsc_bpf.kernel import abi, clsact, links
from netvsc_bpf.kernel.netlink import changing
from netvsc_bpf.kernel.objects import LoadedObject
from netvsc_bpf.kernel.tc import TcHook
from netvsc_bpf.kernel.tcx import Direction
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Hook, RxMode


def lead(loaded: LoadedObject, pair: Pair, slot: int, rx: RxMode) -> None:
    """Tell home where the VF's frames belong."""
    vf = pair.vf
    assert vf is not None
    home = abi.Home(
        vf_ifindex=vf.ifindex,
        redirect_to=pair.synthetic.ifindex if rx is RxMode.REDIRECT else 0,
        pair_slot=slot,
    )
    loaded.set_home(free_home_slot(loaded, vf.ifindex), home)


def lead_nowhere(loaded: LoadedObject, vf_ifindex: int) -> None:
    """Have home leave the VF's frames alone."""
    slot = find_home_slot(loaded, vf_ifindex)
    if slot is not None:
        loaded.set_home(slot, abi.Home())


def attach(
    session: Session, loaded: LoadedObject, hook: TcHook, pair: Pair, slot: int, *, quick: bool = False
) -> None:
    """Attach home where it is not attached.

    With `quick` a filter will do where there is tcx (datapath/makeshift.py); the caller attaches again later,
    without. Raises KernelError.
    """
    vf = pair.vf
    assert vf is not None
    pin, program = session.pins.link(pair.synthetic.ifindex, "home"), loaded.program("home")
    with changing(f"cannot attach home to {vf.name}"):
        if not hook.attached(program, vf.ifindex, Direction.INGRESS, pin):
            links.remove(pin)
            if quick and hook.name is Hook.TCX and makeshift.put_up(session, loaded, slot, vf.ifindex, pin):
                return
            if hook.adds_qdisc(vf.ifindex):
                note_clsact(loaded, slot, CLSACT_ON_VF)
            hook.attach(program, vf.ifindex, Direction.INGRESS, pin)
        if makeshift.noted(loaded.found(slot)):
            makeshift.take_down(session, loaded, slot, vf.ifindex)


def detach(
    session: Session, loaded: LoadedObject, hook: TcHook, found: abi.Found, vf: Nic, ifindex: int
) -> None:
    """Detach home from the VF of the synthetic NIC `ifindex`, and remove the qdisc that we added for it."""
    pin = session.pins.link(ifindex, "home")
    hook.detach(loaded.program("home"), vf.ifindex, Direction.INGRESS, pin)
    if makeshift.noted(found):
        makeshift.remove(session, loaded, vf.ifindex)
    if found.clsact_added & CLSACT_ON_VF:
        clsact.remove_qdisc_if_empty(session.rtnl, vf.ifindex)


def forget(found: abi.Found) -> None:
    """Strike from `found` what was added to a VF that is let go."""
    found.clsact_added &= ~(CLSACT_ON_VF | makeshift.MAKESHIFT_HOME)
