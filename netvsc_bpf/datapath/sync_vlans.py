# SPDX-License-Identifier: GPL-2.0-only
"""Syncs the VLAN ids of a synthetic NIC to the VLAN filter of its VF.

An id stays synced as long as the VF is joined, even if its VLAN device goes: the device may have moved to
another namespace, where it cannot be seen but still needs its frames. One id too many does no harm.

Where a driver has enslaved the VF (hv_netvsc) frames reach the synthetic NIC by the VF's rx_handler, which
comes after VLAN devices, so the VLAN device that syncs an id would keep them (vlan_do_receive()). If a VF
filters an id that its synthetic NIC needs, home therefore redirects its frames, which comes before both.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from netvsc_bpf.datapath.teardown import Teardown
from netvsc_bpf.kernel.net import vlan_devices
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.vlan_devices import Stacked, Vlan
from netvsc_bpf.model.nic import SYNCED_VLAN_PREFIX


@dataclass(frozen=True, slots=True)
class Half:
    """A NIC of a pair, by ifindex and name."""

    ifindex: int
    name: str


def missing(synthetic: Half, vf: Half, all_stacked: Iterable[Stacked]) -> list[Vlan]:
    """Return the ids that have to be synced to the VF, if it filters. Pure."""
    every = list(all_stacked)
    return sorted(vlan_devices.ids_on(synthetic.ifindex, every) - vlan_devices.ids_on(vf.ifindex, every))


def sync(rtnl: Rtnetlink, synthetic: Half, vf: Half, ids: Iterable[Vlan]) -> list[Vlan]:
    """Sync those of these ids that the VF would filter out; return them. Raises KernelError."""
    with changing(f"cannot read the VLAN filter of {vf.name}"):
        needed = vlan_devices.filtered(vf.name, ids)
    for vlan in needed:
        vlan_devices.sync(rtnl, vf.ifindex, vlan, synthetic.name)
    return needed


def filtered(rtnl: Rtnetlink, synthetic: Half, vf: Half) -> bool:
    """Return whether the VF filters ids of VLANs on the synthetic NIC, or some are synced to it.

    The device of a synced id keeps frames from a driver that has enslaved the VF. Raises KernelError.
    """
    if vlan_devices.no_vlans():
        return False
    with changing(f"cannot read the VLAN filter of {vf.name}"):
        every = vlan_devices.stacked(rtnl)
        if any(one.name.startswith(_prefix(vf.ifindex)) for one in every):
            return True
        return bool(vlan_devices.filtered(vf.name, vlan_devices.ids_on(synthetic.ifindex, every)))


def sync_all(synthetic: Half, vf: Half) -> None:
    """Sync all ids of the synthetic NIC to a VF that joins. Raises KernelError."""
    if vlan_devices.no_vlans():
        return
    with changing(f"cannot read the VLANs of {synthetic.name}"), Rtnetlink() as rtnl:
        sync(rtnl, synthetic, vf, missing(synthetic, vf, vlan_devices.stacked(rtnl)))


def unsync(vf: int | None) -> None:
    """Remove the synced ids of a VF (by ifindex); None: of all VFs of this namespace.

    Raises KernelError; see Teardown.
    """
    if vlan_devices.no_vlans():
        return
    ours = SYNCED_VLAN_PREFIX if vf is None else _prefix(vf)
    with changing("cannot remove synced VLANs"), Rtnetlink() as rtnl, Teardown() as down:
        for one in vlan_devices.stacked(rtnl):
            if one.vlan is not None and one.name.startswith(ours):
                down.step(vlan_devices.remove, rtnl, one.ifindex)


def _prefix(vf: int) -> str:
    """Return how the VLAN devices are called that sync ids to this VF."""
    return f"{SYNCED_VLAN_PREFIX}{vf}."
