# SPDX-License-Identifier: GPL-2.0-only
"""The VLAN filter of a VF lets in what its synthetic NIC has VLANs of.

An id is lent as long as the VF is joined, even if its VLAN device goes: it may have gone to another
namespace, where we cannot see it, and still needs its frames. One id too many does no harm.

Where a driver has enslaved the VF (hv_netvsc) frames reach the synthetic NIC by the VF's rx_handler, which
comes after VLAN devices, and ours would keep them (vlan_do_receive()). A VF that filters by an id which its
synthetic NIC needs is therefore brought home by redirection, which comes before both.
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
    """What of a NIC is needed here."""

    ifindex: int
    name: str


def missing(synthetic: Half, vf: Half, all_stacked: Iterable[Stacked]) -> list[Vlan]:
    """Return the ids that the VF has to be lent, if it filters. Pure."""
    every = list(all_stacked)
    return sorted(vlan_devices.ids_on(synthetic.ifindex, every) - vlan_devices.ids_on(vf.ifindex, every))


def sync(rtnl: Rtnetlink, synthetic: Half, vf: Half, ids: Iterable[Vlan]) -> list[Vlan]:
    """Lend the VF those of these ids that it would filter out; return them. Raises KernelError."""
    with changing(f"cannot read the VLAN filter of {vf.name}"):
        needed = vlan_devices.filtered(vf.name, ids)
    for vlan in needed:
        vlan_devices.sync(rtnl, vf.ifindex, vlan, synthetic.name)
    return needed


def filtered(rtnl: Rtnetlink, synthetic: Half, vf: Half) -> bool:
    """Tell whether the VF filters by ids that the synthetic NIC has VLANs of. Raises KernelError."""
    if vlan_devices.no_vlans():
        return False
    with changing(f"cannot read the VLAN filter of {vf.name}"):
        return bool(
            vlan_devices.filtered(vf.name, vlan_devices.ids_on(synthetic.ifindex, vlan_devices.stacked(rtnl)))
        )


def sync_all(synthetic: Half, vf: Half) -> None:
    """Lend a VF that joins all that its synthetic NIC has. Raises KernelError."""
    if vlan_devices.no_vlans():
        return
    with changing(f"cannot read the VLANs of {synthetic.name}"), Rtnetlink() as rtnl:
        sync(rtnl, synthetic, vf, missing(synthetic, vf, vlan_devices.stacked(rtnl)))


def unsync(vf: int | None) -> None:
    """Take back what a VF (by ifindex) was lent; None: what every VF of this namespace was.

    Raises KernelError; see Teardown.
    """
    if vlan_devices.no_vlans():
        return
    ours = SYNCED_VLAN_PREFIX if vf is None else f"{SYNCED_VLAN_PREFIX}{vf}."
    with changing("cannot take VLANs back"), Rtnetlink() as rtnl, Teardown() as down:
        for one in vlan_devices.stacked(rtnl):
            if one.vlan is not None and one.name.startswith(ours):
                down.step(vlan_devices.remove, rtnl, one.ifindex)
