# SPDX-License-Identifier: GPL-2.0-only
"""Keeps the settings of a joined VF in sync with its synthetic NIC, and records what it was last given."""

import errno
from collections.abc import Callable

from netvsc_bpf.kernel.bpf.abi import REASONS, Found
from netvsc_bpf.kernel.net import link_settings
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner.observation import Followed

_REFUSED = {errno.EINVAL, errno.ERANGE, errno.EOPNOTSUPP, errno.EBUSY, errno.EADDRNOTAVAIL}


def mac_bytes(mac: str) -> bytes:
    """Return the six bytes of a MAC in text."""
    return bytes.fromhex(mac.replace(":", ""))


def read(found: Found) -> Followed:
    """Return the settings that the VF was last given, for the planner."""
    return Followed(
        up=bool(found.followed_up),
        mtu=found.followed_mtu,
        mac=mac_text(found),
        promisc=bool(found.followed_promisc),
        allmulti=bool(found.followed_allmulti),
    )


def mac_text(found: Found) -> str:
    """Return the MAC that the VF was last given."""
    return bytes(found.followed_mac[:6]).hex(":")


def remember(found: Found, synthetic: Nic) -> None:
    """Record in `found` that the VF has the current MAC and MTU of the synthetic NIC."""
    found.followed_mac[:6] = mac_bytes(synthetic.mac)
    found.followed_mtu = synthetic.mtu


def remember_up(found: Found, up: bool, down: Reason | None = None) -> None:
    """Record in `found` that the VF was brought up or down; `down` is the reason if netvsc-bpf decided it."""
    found.followed_up = up
    found.taken_down = 0 if down is None else REASONS.index(down)


def follow_mtu(
    rtnl: Rtnetlink, found: Found, synthetic: Nic, vf: Nic, mtu: int, otherwise: int | None
) -> bool:
    """Set the VF's MTU (bytes); if it refuses, set the synthetic NIC's back to `otherwise`, if given.

    Return whether the VF accepted it. Raises KernelError if one of them vanished.
    """
    what = f"cannot set the MTU of {vf.name}"
    # EBUSY may mean "not while up" or "not now". Without a previous MTU to restore it is retried.
    refusals = _REFUSED if otherwise is not None else _REFUSED - {errno.EBUSY}
    taken = vf.mtu == mtu or _try(lambda: link_settings.set_mtu(rtnl, vf.ifindex, mtu), what, refusals)
    if not taken and otherwise is not None:
        with changing(f"cannot restore the MTU of {synthetic.name}"):
            link_settings.set_mtu(rtnl, synthetic.ifindex, otherwise)
    found.followed_mtu = mtu if taken or otherwise is None else otherwise
    return taken


def follow_mac(rtnl: Rtnetlink, found: Found, synthetic: Nic, vf: Nic, mac: str, otherwise: str) -> bool:
    """Set the VF's MAC; if it refuses, set the synthetic NIC's back to `otherwise`.

    Return whether the VF accepted it. Raises KernelError if one of them vanished.
    """
    # A VF whose driver follows by itself may be up, and refuse even the MAC that it has already.
    what = f"cannot set the MAC of {vf.name}"
    taken = vf.mac == mac or _try(lambda: link_settings.set_mac(rtnl, vf.ifindex, mac), what)
    if not taken:
        with changing(f"cannot restore the MAC of {synthetic.name}"):
            link_settings.set_mac(rtnl, synthetic.ifindex, otherwise)
    found.followed_mac[:6] = mac_bytes(mac if taken else otherwise)
    return taken


def follow_flags(
    rtnl: Rtnetlink, found: Found, vf: Nic, promisc: bool, allmulti: bool, note: Callable[[], None]
) -> None:
    """Switch promiscuous and all-multicast mode of the VF on or off; requests of other users stay.

    A mode that is switched on is recorded before, one that is switched off afterwards: so a process that is
    killed in between leaves no mode on that would never be switched off.
    """
    before = bool(found.followed_promisc), bool(found.followed_allmulti)
    found.followed_promisc, found.followed_allmulti = promisc or before[0], allmulti or before[1]
    note()
    with changing(f"cannot set the receive mode of {vf.name}"):
        if promisc != before[0] or (promisc and not vf.promiscuity):
            link_settings.set_promisc(rtnl, vf.ifindex, promisc)
        if allmulti != before[1] or (allmulti and not vf.allmulti):
            link_settings.set_allmulti(rtnl, vf.ifindex, allmulti)
    found.followed_promisc, found.followed_allmulti = promisc, allmulti


def _try(step: Callable[[], None], what: str, refusals: set[int] = _REFUSED) -> bool:
    try:
        with changing(what):
            step()
    except KernelError as error:
        if error.errno in refusals:
            return False
        raise
    return True
