# SPDX-License-Identifier: GPL-2.0-only
"""Changes settings of the two NICs, and restores the original ones.

The VF gets no address of its own: link-local addresses are not generated and IPv6 is off. It has the
synthetic NIC's MTU and administrative state. The synthetic NIC gets the smaller GSO limits of the two, as
hv_netvsc does on joining (netif_inherit_tso_max()), so that no packet has to be segmented again on its way to
the VF.
"""

import errno
from collections.abc import Callable
from dataclasses import replace

from netvsc_bpf.datapath import follow_offloads, follow_settings
from netvsc_bpf.datapath.sync_vlans import Half
from netvsc_bpf.datapath.teardown import Teardown
from netvsc_bpf.kernel.bpf.abi import REASONS, Found
from netvsc_bpf.kernel.net import link_settings
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.names import quoted
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason

_ADDR_GEN_MODE_NONE = 1  # IN6_ADDR_GEN_MODE_NONE, include/uapi/linux/if_link.h
_MTU_REFUSED = {errno.EINVAL, errno.ERANGE, errno.EOPNOTSUPP}
"""Not EBUSY: a device that is busy now may take it later, and joining is tried again."""


def remember(found: Found, synthetic: Nic, vf: Nic, *, taken_over: bool) -> None:
    """Record the current settings of the two NICs in `found`.

    `taken_over`: hv_netvsc has enslaved the VF just now. It sets MTU and state of the VF only 100 ms later
    (netvsc_vf_setup(), VF_TAKEOVER_INT), so what it is about to set is recorded: restored to what it was
    before, the VF would stay down.
    """
    found.vf_ifindex = vf.ifindex
    found.vf_mtu = synthetic.mtu if taken_over else vf.mtu
    found.vf_mac[:6] = bytes.fromhex(vf.mac.replace(":", ""))
    found.vf_up = synthetic.up if taken_over else vf.up
    found.vf_has_ipv6 = vf.ipv6_disabled is not None
    found.vf_ipv6_disabled = bool(vf.ipv6_disabled)
    found.vf_addr_gen_mode = vf.addr_gen_mode or 0
    found.gso_max_size = synthetic.gso_max_size
    found.gso_max_segs = synthetic.gso_max_segs
    found.vf_tx_dropped = vf.tx_dropped
    found.vf_offloads = 0


def disable_addresses(rtnl: Rtnetlink, vf: Nic) -> str | None:
    """Keep the kernel from generating addresses on the VF. Raises KernelError if it vanished.

    Returns a warning if something could not be done: without sysctls IPv6 stays on. The VF is used
    nevertheless: no further link-local address is generated, and home takes all router advertisements.

    If the VF has a configured IPv6 address, IPv6 stays on: turning it off would delete the address, which
    could not be restored. The doctor warns of it.
    """
    if vf.ipv6_disabled is None:
        return None
    with changing(f"cannot turn IPv6 off on {vf.name}"):
        if vf.addr_gen_mode != _ADDR_GEN_MODE_NONE:
            link_settings.set_addr_gen_mode(rtnl, vf.ifindex, _ADDR_GEN_MODE_NONE)
        if vf.ipv6_disabled or link_settings.has_chosen_ipv6(rtnl, vf.ifindex):
            return None
        why = _disable_ipv6(vf)
    if why is None:
        return None
    return (
        f"{vf.name} keeps IPv6, and the link-local address that it may have: {why}; "
        f"`sysctl -w {quoted(f'net.ipv6.conf.{vf.name}.disable_ipv6=1')}` outside the container turns it off"
    )


def _disable_ipv6(vf: Nic) -> str | None:
    """Turn IPv6 off; return why no sysctl can be written, None on success. Raises OSError."""
    try:
        link_settings.set_ipv6_disabled(vf.ifindex, True)
    except OSError as error:
        if (why := link_settings.no_sysctls(error)) is None:
            raise
        return why
    return None


def take_mac(rtnl: Rtnetlink, synthetic: Nic, vf: Nic) -> Nic:
    """Give a VF with another MAC, its permanent one, the current MAC of the synthetic NIC.

    Returns the VF, which may be down: if its driver refuses another MAC while it is up (EBUSY,
    eth_prepare_mac_addr_change()) it is taken down first. Raises KernelError if it refuses even then: it
    cannot be used.
    """
    if vf.mac == synthetic.mac:
        return vf
    with changing(f"cannot set the MAC of {vf.name}"):
        try:
            link_settings.set_mac(rtnl, vf.ifindex, synthetic.mac)
        except OSError as error:
            if error.errno != errno.EBUSY or not vf.up:
                raise
            link_settings.set_up(rtnl, vf.ifindex, False)
            link_settings.set_mac(rtnl, vf.ifindex, synthetic.mac)
            return replace(vf, up=False)
    return vf


def take_mtu(rtnl: Rtnetlink, synthetic: Nic, vf: Nic) -> bool:
    """Give the VF the synthetic NIC's MTU.

    Returns False if it refuses. Raises KernelError if it vanished.
    """
    if vf.mtu == synthetic.mtu:
        return True
    try:
        with changing(f"cannot set the MTU of {vf.name}"):
            link_settings.set_mtu(rtnl, vf.ifindex, synthetic.mtu)
    except KernelError as error:
        if error.errno in _MTU_REFUSED:
            return False
        raise
    return True


def bring(rtnl: Rtnetlink, vf: Nic, *, up: bool) -> None:
    """Bring the VF up or down. Raises KernelError if it vanished."""
    if vf.up != up:
        with changing(f"cannot bring {vf.name} {'up' if up else 'down'}"):
            link_settings.set_up(rtnl, vf.ifindex, up)


def follow_up(
    rtnl: Rtnetlink, found: Found, vf: Nic, up: bool, because: Reason | None, note: Callable[[], None]
) -> None:
    """Bring the VF up or down; `because` is the reason if netvsc-bpf decided it. `note` stores `found`.

    Taking it down is recorded before: if the manager is killed in between, the record still shows that
    netvsc-bpf has to bring it up again. Raises KernelError if the VF vanished.
    """
    before = bool(found.followed_up), REASONS[found.taken_down]
    if not up:
        follow_settings.remember_up(found, False, because)
        note()
    try:
        bring(rtnl, vf, up=up)
    except BaseException:
        follow_settings.remember_up(found, *before)
        note()
        raise
    follow_settings.remember_up(found, up, because)


def share_gso_limits(rtnl: Rtnetlink, synthetic: Nic, vf: Nic) -> None:
    """Give the synthetic NIC the smaller GSO limits of the two."""
    size = min(synthetic.gso_max_size, vf.gso_max_size)
    segs = min(synthetic.gso_max_segs, vf.gso_max_segs)
    if (size, segs) != (synthetic.gso_max_size, synthetic.gso_max_segs):
        with changing(f"cannot set the GSO limits of {synthetic.name}"):
            link_settings.set_gso_limits(rtnl, synthetic.ifindex, size, segs)


def restore(rtnl: Rtnetlink, found: Found, synthetic: Nic | None, vf: Nic | None) -> None:
    """Restore the original settings of both NICs; None for one that is gone.

    A VF that was down goes down first: many drivers refuse another MAC while they are up (EBUSY,
    eth_prepare_mac_addr_change()), some another MTU. One that was up comes up last.
    If the kernel refuses one setting, the others are restored nevertheless (Teardown).
    """
    with Teardown() as down:
        if vf is not None:
            if not found.vf_up:
                down.step(_restore_up, rtnl, found, vf)
            down.step(_restore_mtu, rtnl, found, vf)
            down.step(_restore_ipv6, rtnl, found, vf)
            down.step(_restore_mac, rtnl, found, vf)
            down.step(follow_offloads.restore, found, Half(vf.ifindex, vf.name))
            if found.vf_up:
                down.step(_restore_up, rtnl, found, vf)
            down.step(_restore_flags, rtnl, found, vf)
        if synthetic is not None:
            down.step(_restore_gso, rtnl, found, synthetic)


def _restore_gso(rtnl: Rtnetlink, found: Found, synthetic: Nic) -> None:
    limits = (found.gso_max_size, found.gso_max_segs)
    if limits != (synthetic.gso_max_size, synthetic.gso_max_segs):
        with changing(f"cannot restore the GSO limits of {synthetic.name}"):
            link_settings.set_gso_limits(rtnl, synthetic.ifindex, *limits)


def _restore_mtu(rtnl: Rtnetlink, found: Found, vf: Nic) -> None:
    if vf.mtu != found.vf_mtu:
        with changing(f"cannot restore the MTU of {vf.name}"):
            link_settings.set_mtu(rtnl, vf.ifindex, found.vf_mtu)


def _restore_mac(rtnl: Rtnetlink, found: Found, vf: Nic) -> None:
    mac = bytes(found.vf_mac[:6]).hex(":")
    # A MAC that was set externally stays: with the old one the VF would be paired again.
    if vf.mac != mac and vf.mac == follow_settings.mac_text(found):
        with changing(f"cannot restore the MAC of {vf.name}"):
            link_settings.set_mac(rtnl, vf.ifindex, mac)


def _restore_flags(rtnl: Rtnetlink, found: Found, vf: Nic) -> None:
    with changing(f"cannot restore the receive mode of {vf.name}"):
        if found.followed_promisc:
            link_settings.set_promisc(rtnl, vf.ifindex, False)
        if found.followed_allmulti:
            link_settings.set_allmulti(rtnl, vf.ifindex, False)


def _restore_ipv6(rtnl: Rtnetlink, found: Found, vf: Nic) -> None:
    if not found.vf_has_ipv6:
        return
    with changing(f"cannot restore the IPv6 settings of {vf.name}"):
        off = vf.ipv6_disabled
        if off is None:
            # Its MTU was too small for IPv6 (below 1280). With the restored one it has new IPv6 settings.
            off = _disable_ipv6(vf) is None
        # The mode first: turning IPv6 on generates addresses according to it.
        if vf.addr_gen_mode != found.vf_addr_gen_mode:
            link_settings.set_addr_gen_mode(rtnl, vf.ifindex, found.vf_addr_gen_mode)
        if off and not found.vf_ipv6_disabled:
            link_settings.set_ipv6_disabled(vf.ifindex, False)


def _restore_up(rtnl: Rtnetlink, found: Found, vf: Nic) -> None:
    if vf.up != bool(found.vf_up):
        with changing(f"cannot bring {vf.name} {'up' if found.vf_up else 'down'} again"):
            link_settings.set_up(rtnl, vf.ifindex, bool(found.vf_up))
