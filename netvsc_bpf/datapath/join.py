# SPDX-License-Identifier: GPL-2.0-only
"""Adds a VF to a pair and removes it: settings, DEVMAP entry, home, permission.

The order is what makes it safe: home is attached before the permission, so that no reply is lost; the
permission is withdrawn before anything on the VF is changed.
"""

import errno
from contextlib import ExitStack
from functools import partial

from netvsc_bpf.datapath import (
    follow_offloads,
    follow_settings,
    home_hook,
    sync_addresses,
    sync_vlans,
    vf_settings,
)
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
    by_manager: bool = False,
    down: Reason | None = None,
    all_multicast: bool = True,
) -> Reason | None:
    """Prepare the VF of `pair` for the permission; return why it must not be permitted, None if it may.

    It is brought up if the synthetic NIC is up, unless `down` gives a reason to take it down. `by_manager`
    says that no command asked for it: a VF that joined before and was taken down externally since stays down,
    and a new one gets the `quick` home of home_hook.attach(). Raises KernelError if the VF vanishes in
    between; the record of one that had joined before is kept then, so that its leaving is reported.
    """
    synthetic, vf = pair.synthetic, pair.vf
    assert vf is not None
    found = loaded.found(slot)
    if by_manager and found.vf_ifindex == vf.ifindex and loaded.vf_ifindex(slot) is None:
        raise KernelError(f"cannot join {vf.name}", "the interface vanished", errno=errno.ENODEV)
    # The DEVMAP may name a VF without a record: one whose settings were restored, but not its entry removed.
    new = loaded.vf_ifindex(slot) != vf.ifindex or found.vf_ifindex != vf.ifindex
    # Not one whose joining was interrupted: it has not been given any settings yet.
    stays_down = by_manager and not new and bool(found.followed_mtu and found.followed_up) and not vf.up
    if new:
        leave(session, loaded, hook, synthetic, slot, Reason.NO_VF)
        found = loaded.found(slot)
        taken_over = by_manager and vf.master == synthetic.ifindex
        vf_settings.remember(found, synthetic, vf, taken_over=taken_over)
        # So that it is recognised as the pair's VF, and restored, if this process is killed.
        found.followed_mac[:6] = follow_settings.mac_bytes(synthetic.mac)
        found.followed_mtu = 0  # until the end: if this process is killed half-way, the VF is joined again
        loaded.set_found(slot, found)
        undo.callback(leave, session, loaded, hook, synthetic, slot, Reason.NO_VF)
        _name(loaded, slot, vf)
    _disable_addresses(session, vf)
    vf = vf_settings.take_mac(session.rtnl, synthetic, vf)
    denied = None if vf_settings.take_mtu(session.rtnl, synthetic, vf) else Reason.MTU_REFUSED
    _disable_addresses_again(session, vf)
    if denied is not None:
        # It stays up or down as it is, and so does the record of whether it was taken down.
        _note(loaded, slot, synthetic, denied, up=synthetic.up if new else None)
        loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(denied))
        return denied
    vf_settings.share_gso_limits(session.rtnl, synthetic, vf)
    _follow_offloads(session, loaded, synthetic, vf, slot)
    sync_addresses.sync(session.pins, synthetic, vf, new=new)
    if rx is RxMode.KERNEL:
        # The driver delivers what the VF receives, and counts it: home is not needed on that path.
        home_hook.detach(session, hook, found, vf, synthetic.ifindex)
        home_hook.enable(loaded, pair, slot, rx)
    else:
        sync_vlans.sync_all(_half(synthetic), _half(vf))
        _follow_flags(session, loaded, slot, synthetic, vf, all_multicast)
        home_hook.enable(loaded, pair, slot, rx)
        # A VF that has carried traffic may have packets queued, which adding a clsact qdisc would drop.
        home_hook.attach(session, loaded, hook, pair, slot, quick=by_manager and new)
    found, up = loaded.found(slot), synthetic.up and down is None
    if stays_down:
        _note(loaded, slot, synthetic, None, up=None)
        return None
    vf_settings.follow_up(session.rtnl, found, vf, up, down, lambda: loaded.set_found(slot, found))
    _note(loaded, slot, synthetic, None, up=up, down=down)
    return None


def _follow_flags(
    session: Session, loaded: LoadedObject, slot: int, synthetic: Nic, vf: Nic, all_multicast: bool
) -> None:
    """Switch promiscuous and all-multicast mode on where they are needed; the manager switches them off."""
    found = loaded.found(slot)
    promisc = bool(synthetic.promiscuity or found.followed_promisc)
    allmulti = bool(all_multicast or synthetic.allmulti or found.followed_allmulti)
    note = partial(loaded.set_found, slot, found)
    follow_settings.follow_flags(session.rtnl, found, vf, promisc, allmulti, note)
    note()


def rx_for(session: Session, options: AttachOptions, synthetic: Nic, vf: Nic) -> RxMode:
    """Return how the VF's ingress reaches the synthetic NIC. Raises Refused, KernelError."""
    enslaved = vf.master == synthetic.ifindex
    filters = enslaved and sync_vlans.filtered(session.rtnl, _half(synthetic), _half(vf))
    return rx_mode(options, synthetic, vf, vlans=filters)


def _half(nic: Nic) -> Half:
    return Half(nic.ifindex, nic.name)


def _disable_addresses(session: Session, vf: Nic) -> None:
    if (warning := vf_settings.disable_addresses(session.rtnl, vf)) is not None:
        session.tools.warnings.append(warning)


def _disable_addresses_again(session: Session, vf: Nic) -> None:
    """Turn IPv6 off on a VF whose MTU was below 1280: with a larger MTU the kernel has enabled it."""
    now = _fresh(session, vf) if vf.ipv6_disabled is None else None
    if now is not None:
        _disable_addresses(session, now)


def _follow_offloads(session: Session, loaded: LoadedObject, synthetic: Nic, vf: Nic, slot: int) -> None:
    found = loaded.found(slot)
    warning = follow_offloads.follow_if_possible(
        session.rtnl, found, _half(synthetic), _half(vf), lambda: loaded.set_found(slot, found)
    )
    if warning is not None:
        session.tools.warnings.append(warning)


def leave(
    session: Session, loaded: LoadedObject, hook: TcHook, synthetic: Nic | None, slot: int, reason: Reason
) -> None:
    """Remove the VF from the pair and restore its original settings; does nothing if there is no VF.

    A transient failure ends it at once, so that it can be repeated; otherwise every step is tried and the
    first failure is raised at the end (Teardown). Raises KernelError, MissingCapability.
    """
    found = loaded.found(slot)
    if not found.vf_ifindex:
        return
    ifindex = loaded.pair(slot).synthetic_ifindex
    # By the DEVMAP, whose entry is deleted with the device: another NIC may have that ifindex by now.
    vf = session.nic(loaded.vf_ifindex(slot))
    with Teardown() as down:
        down.step(loaded.control, ControlCommand.WITHDRAW, slot, abi.REASONS.index(reason))
        if vf is not None:
            down.step(home_hook.detach, session, hook, found, vf, ifindex)
        down.step(links.remove, session.pins.link(ifindex, "home"))
        down.step(home_hook.disable, loaded, slot, found.vf_ifindex)
        down.step(sync_addresses.unsync, session.pins, found.vf_ifindex, gone=vf is None)
        down.step(sync_vlans.unsync, found.vf_ifindex)
        down.step(_restore, session, found, synthetic, vf)
        down.step(loaded.clear_vf, slot)
        # Last: if this process is killed before, the record of what has to be restored is still there.
        down.step(_forget, loaded, found, vf, slot)


def _restore(session: Session, found: abi.Found, synthetic: Nic | None, vf: Nic | None) -> None:
    vf_settings.restore(session.rtnl, found, _fresh(session, synthetic), _fresh(session, vf))


def _forget(loaded: LoadedObject, found: abi.Found, vf: Nic | None, slot: int) -> None:
    kept = abi.Found.from_buffer_copy(found)
    kept.vf_ifindex, kept.denied = 0, 0
    kept.followed_promisc, kept.followed_allmulti, kept.vf_offloads = 0, 0, 0
    home_hook.forget(kept)
    if vf is not None:
        kept.tx_dropped_before += max(0, vf.tx_dropped - found.vf_tx_dropped)
    loaded.set_found(slot, kept)


def _name(loaded: LoadedObject, slot: int, vf: Nic) -> None:
    """Put the VF into the DEVMAP. From here on the entry shows that it is still the same device."""
    with changing(f"cannot steer to {vf.name}"):
        try:
            loaded.set_vf(slot, vf.ifindex)
        except OSError as error:
            # __dev_map_alloc_node() returns EINVAL if there is no such device.
            raise OSError(errno.ENODEV if error.errno == errno.EINVAL else error.errno, "") from error


def permit(loaded: LoadedObject, slot: int, settle_ms: int, vf: Nic) -> None:
    """Allow the kernel to use the VF once it has been usable for `settle_ms`.

    Raises KernelError if it vanished, NoBtf if the offsets do not fit the kernel, PairDrained.
    """
    what = f"cannot permit {vf.name}"
    result = loaded.control(ControlCommand.PERMIT, slot, settle_ms * 1_000_000)
    if result is ControlResult.BAD_LAYOUT:
        raise NoBtf(what, "the kernel's type information does not match it", "use --liveness netlink")
    if result is ControlResult.DRAINED:
        raise PairDrained(what, "the pair is drained", "run `netvsc-bpf undrain`")
    if result is ControlResult.PENDING:
        raise PairDrained(what, "it failed, and the return policy is manual", "run `netvsc-bpf undrain`")
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
    """Record what the VF was given, and why it must not be used; `up` is None if that does not change."""
    found = loaded.found(slot)
    follow_settings.remember(found, synthetic)
    if up is not None:
        follow_settings.remember_up(found, up, down)
    found.denied = 0 if reason is None else abi.REASONS.index(reason)
    loaded.set_found(slot, found)


def _fresh(session: Session, nic: Nic | None) -> Nic | None:
    """Return the NIC as it is now: the session has read it before the changes."""
    try:
        return None if nic is None else get_nic(session.rtnl, nic.ifindex)
    except NoSuchNic:
        return None
