# SPDX-License-Identifier: GPL-2.0-only
"""The VF half: configure it, attach home, name it in the DEVMAP, permit it. And the same backwards.

The order is the safety: home before the permission, so that no reply finds nobody at home; the permission
withdrawn before anything on the VF is touched.
"""

import errno
from contextlib import ExitStack

from netvsc_bpf.datapath import follow_settings, home_hook, sync_addresses, sync_vlans, vf_settings
from netvsc_bpf.datapath.options import AttachOptions, rx_mode
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.sync_vlans import Half
from netvsc_bpf.datapath.teardown import Teardown
from netvsc_bpf.discovery.nics import get_nic
from netvsc_bpf.kernel.bpf import abi, links
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks.tc import TcHook
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.model.errors import KernelError, NoBtf, NoSuchNic, PairDrained
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Reason, RxMode


def join(
    session: Session,
    loaded: LoadedObject,
    hook: TcHook,
    pair: Pair,
    slot: int,
    rx: RxMode,
    undo: ExitStack,
    *,
    quick: bool = False,
    down: Reason | None = None,
) -> Reason | None:
    """Make the VF of `pair` ready to be permitted; return why it must not be, None where it may.

    It is brought up with the synthetic NIC, unless there is a reason to have it `down`. `quick` is that of
    homing.attach(). Raises KernelError where the VF vanishes in between.
    """
    synthetic, vf = pair.synthetic, pair.vf
    assert vf is not None
    found = loaded.found(slot)
    # The DEVMAP may name a VF of which nothing is known: one that could be put back, but not struck there.
    new = loaded.vf_ifindex(slot) != vf.ifindex or found.vf_ifindex != vf.ifindex
    if new:
        leave(session, loaded, hook, synthetic, slot, Reason.NO_VF)
        found = loaded.found(slot)
        vf_settings.remember(found, synthetic, vf)
        found.followed_mac[:6] = follow_settings.mac_bytes(
            synthetic.mac
        )  # so that it is known as ours, and put back
        found.followed_mtu = 0  # until the end: whoever finds us killed half-way joins again
        loaded.set_found(slot, found)
        undo.callback(leave, session, loaded, hook, synthetic, slot, Reason.NO_VF)
        _name(loaded, slot, vf)
    _silence(session, vf)
    vf = vf_settings.take_mac(session.rtnl, synthetic, vf)
    denied = None if vf_settings.take_mtu(session.rtnl, synthetic, vf) else Reason.MTU_REFUSED
    _silence_anew(session, vf)
    if denied is not None:
        # It stays as it is. One that we took down earlier is still known as that.
        _note(loaded, slot, synthetic, denied, up=synthetic.up if new else None)
        loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(denied))
        return denied
    vf_settings.share_gso_limits(session.rtnl, synthetic, vf)
    sync_addresses.sync(session.pins, synthetic, vf, anew=new)
    if rx is RxMode.KERNEL:
        # The driver delivers what the VF receives, and counts it: nothing of ours is on that path.
        home_hook.detach(session, hook, found, vf, synthetic.ifindex)
        home_hook.enable(loaded, pair, slot, rx)
    else:
        sync_vlans.sync_all(_half(synthetic), _half(vf))
        home_hook.enable(loaded, pair, slot, rx)
        # A VF that has carried traffic may have packets queued, which a new clsact qdisc would cost it.
        home_hook.attach(session, loaded, hook, pair, slot, quick=quick and new)
    found, up = loaded.found(slot), synthetic.up and down is None
    vf_settings.follow_up(session.rtnl, found, vf, up, down, lambda: loaded.set_found(slot, found))
    _note(loaded, slot, synthetic, None, up=up, down=down)
    return None


def rx_for(session: Session, options: AttachOptions, synthetic: Nic, vf: Nic) -> RxMode:
    """Return how the VF's ingress is to reach the synthetic NIC. Raises Refused, KernelError."""
    enslaved = vf.master == synthetic.ifindex
    filters = enslaved and sync_vlans.filtered(session.rtnl, _half(synthetic), _half(vf))
    return rx_mode(options, synthetic, vf, vlans=filters)


def _half(nic: Nic) -> Half:
    return Half(nic.ifindex, nic.name)


def _silence(session: Session, vf: Nic) -> None:
    if (warnings := vf_settings.silence(session.rtnl, vf)) is not None:
        session.tools.warnings.append(warnings)


def _silence_anew(session: Session, vf: Nic) -> None:
    """Silence a VF whose MTU was too small for IPv6 (1280): with a larger one the kernel switches it on."""
    now = _fresh(session, vf) if vf.ipv6_disabled is None else None
    if now is not None:
        _silence(session, now)


def leave(
    session: Session, loaded: LoadedObject, hook: TcHook, synthetic: Nic | None, slot: int, reason: Reason
) -> None:
    """Take the VF out of the pair and put it back as found; nothing happens where there is none.

    What may pass ends it, to be done again; else every step is tried, and the first failure raised then
    (Teardown). Raises KernelError, MissingCapability.
    """
    found = loaded.found(slot)
    if not found.vf_ifindex:
        return
    ifindex = loaded.pair(slot).synthetic_ifindex
    # The kernel deletes the entry with the device: a NIC that has the number now may be another one.
    vf = session.nic(loaded.vf_ifindex(slot))
    with Teardown() as down:
        down.step(loaded.control, ControlCommand.WITHDRAW, slot, abi.REASONS.index(reason))
        if vf is not None:
            down.step(home_hook.detach, session, hook, found, vf, ifindex)
        down.step(links.remove, session.pins.link(ifindex, "home"))
        down.step(home_hook.disable, loaded, slot, found.vf_ifindex)
        down.step(sync_addresses.unsync, session.pins, found.vf_ifindex, gone=vf is None)
        down.step(sync_vlans.unsync, found.vf_ifindex)
        down.step(_put_back, session, found, synthetic, vf)
        down.step(loaded.clear_vf, slot)
        # Last, so that whoever finds us killed in between finds what there is to put back as well.
        down.step(_forget, loaded, found, vf, slot)


def _put_back(session: Session, found: abi.Found, synthetic: Nic | None, vf: Nic | None) -> None:
    vf_settings.restore(session.rtnl, found, _fresh(session, synthetic), _fresh(session, vf))


def _forget(loaded: LoadedObject, found: abi.Found, vf: Nic | None, slot: int) -> None:
    kept = abi.Found.from_buffer_copy(found)
    kept.vf_ifindex, kept.denied = 0, 0
    kept.followed_promisc, kept.followed_allmulti = 0, 0
    home_hook.forget(kept)
    if vf is not None:
        kept.tx_dropped_before += max(0, vf.tx_dropped - found.vf_tx_dropped)
    loaded.set_found(slot, kept)


def _name(loaded: LoadedObject, slot: int, vf: Nic) -> None:
    """Put the VF into the DEVMAP. From here on the entry says that it is still the same device."""
    with changing(f"cannot steer to {vf.name}"):
        try:
            loaded.set_vf(slot, vf.ifindex)
        except OSError as error:
            # __dev_map_alloc_node() says EINVAL where there is no such device.
            raise OSError(errno.ENODEV if error.errno == errno.EINVAL else error.errno, "") from error


def permit(loaded: LoadedObject, slot: int, settle_ms: int, vf: Nic) -> None:
    """Allow the kernel to use the VF once it has been usable for `settle_ms`.

    Raises KernelError where it vanished, NoBtf where the kernel's offsets do not hold, PairDrained.
    """
    what = f"cannot permit {vf.name}"
    result = loaded.control(ControlCommand.PERMIT, slot, settle_ms * 1_000_000)
    if result is ControlResult.BAD_LAYOUT:
        raise NoBtf(what, "the kernel's type information does not lead to it", "use --liveness netlink")
    if result is ControlResult.DRAINED:
        raise PairDrained(what, "an operator drained the pair", "netvsc-bpf undrain")
    if result in (ControlResult.NO_VF, ControlResult.NO_PAIR):
        raise KernelError(what, "the interface vanished", "attach again once it is back", errno=errno.ENODEV)


def _note(
    loaded: LoadedObject,
    slot: int,
    synthetic: Nic,
    reason: Reason | None,
    *,
    up: bool | None,
    down: Reason | None = None,
) -> None:
    """Remember what the VF has been given, and why it may not be used; `up` is None where that stays."""
    found = loaded.found(slot)
    follow_settings.remember(found, synthetic)
    if up is not None:
        follow_settings.remember_up(found, up, down)
    found.denied = 0 if reason is None else abi.REASONS.index(reason)
    loaded.set_found(slot, found)


def _fresh(session: Session, nic: Nic | None) -> Nic | None:
    """Return the NIC as it is now: the session's own view dates from before our changes."""
    try:
        return None if nic is None else get_nic(session.rtnl, nic.ifindex)
    except NoSuchNic:
        return None
