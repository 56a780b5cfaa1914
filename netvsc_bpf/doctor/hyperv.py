# SPDX-License-Identifier: GPL-2.0-only
"""On Hyper-V: is a VF offered, does it become an interface, and by which path does the host deliver?"""

from collections.abc import Sequence

from netvsc_bpf.discovery.hyperv_offers import Function, Offer
from netvsc_bpf.doctor.finding import Finding, ok, warning
from netvsc_bpf.kernel.net.netvsc_statistics import DRIVER
from netvsc_bpf.kernel.net.qdiscs import ROOT, Qdisc
from netvsc_bpf.model.nic import Nic, Pair

CHECK = "hyper-v"
_MICROSOFT, _MELLANOX = 0x1414, 0x15B3
_MLX4 = frozenset({0x1002, 0x1004})
"""VFs of ConnectX-2 and ConnectX-3 (mlx4_pci_table, drivers/net/ethernet/mellanox/mlx4/main.c)."""


def is_netvsc(nic: Nic) -> bool:
    """Tell whether this is a synthetic NIC of Hyper-V."""
    return nic.driver == DRIVER


def check_offered(pair: Pair, offered: Sequence[Offer]) -> Finding:
    """Say where the way from the host's offer to a VF ends, for a synthetic NIC that has none. Pure.

    Which offer belongs to which synthetic NIC only hv_netvsc knows.
    """
    name = pair.synthetic.name
    functions = [function for offer in offered for function in offer.functions]
    for function in functions:
        found = _stuck(name, function)
        if found is not None:
            return found
    asleep = [offer.device for offer in offered if offer.driver is None]
    if asleep:
        what = f"{name} has no VF, and {_listed(asleep)}, which the host offers and may be one, has no driver"
        return warning(CHECK, what, "`modprobe pci-hyperv`; if that is loaded, `dmesg` says why it failed")
    others = f"; the {len(functions)} that are here have other MACs" if functions else ""
    return warning(
        CHECK,
        f"the host offers {name} no VF{others}: accelerated networking (SR-IOV) is off, or this size of VM "
        "has none, or the host is in service",
        "Azure: `az network nic update -g GROUP -n NIC --accelerated-networking true`; Hyper-V: "
        "`Set-VMNetworkAdapter -VMName VM -IovWeight 100`, on a switch that was made with -EnableIov",
    )


def _stuck(name: str, function: Function) -> Finding | None:
    """Tell why a function is no interface here, None where it is one."""
    if function.interfaces:
        return None
    what = f"{name} has no VF, and PCI function {function.address} ({_ids(function)})"
    if function.driver is None:
        return warning(CHECK, f"{what} has no driver", f"`modprobe {_module(function)}`")
    if function.driver == "mlx4_core":
        return warning(CHECK, f"{what} has no interface", "`modprobe mlx4_en`")
    where = "has no interface in this network namespace"
    return warning(
        CHECK, f"{what}, driver {function.driver}, {where}", "look for it in others, and in `dmesg`"
    )


def check_path_of_host(pair: Pair, vf: Nic) -> Finding:
    """Say by which path the host delivers, and by whom that is decided. Pure.

    hv_netvsc tells its host when the VF that it has enslaved goes up or down (netvsc_vf_changed()), and of
    nothing else.
    """
    synthetic = pair.synthetic
    if not _enslaved(synthetic, vf):
        what = f"hv_netvsc did not enslave {vf.name}, so the host is not told whether it is used"
        return ok(CHECK, f"{what}: `run` announces each change of path")
    by, state = (vf.name, "up") if vf.up else (synthetic.name, "down")
    return ok(CHECK, f"the host delivers by {by}, since {vf.name} ({vf.driver}) is {state}")


def check_double_qdiscs(pair: Pair, synthetic: list[Qdisc], vf: list[Qdisc]) -> Finding | None:
    """Tell that hv_netvsc alone has each packet wait in the qdiscs of both devices. Pure.

    It sends by no VF but the one that it has enslaved (netvsc_start_xmit()).
    """
    if pair.vf is None or not is_netvsc(pair.synthetic) or not _enslaved(pair.synthetic, pair.vf):
        return None
    roots = [next((one.kind for one in each if one.parent == ROOT), "noqueue") for each in (synthetic, vf)]
    if "noqueue" in roots:
        return None
    names = (pair.synthetic.name, pair.vf.name)
    both = " and ".join(f"the {kind} of {name}" for kind, name in zip(roots, names, strict=True))
    return ok(CHECK, f"what hv_netvsc sends by the VF waits in {both}; what is steered in the second alone")


def _enslaved(synthetic: Nic, vf: Nic) -> bool:
    return vf.master == synthetic.ifindex


def _module(function: Function) -> str:
    if function.vendor == _MICROSOFT:
        return "mana"
    if function.vendor == _MELLANOX:
        return "mlx4_en" if function.device in _MLX4 else "mlx5_core"
    return f"$(cat /sys/bus/pci/devices/{function.address}/modalias)"


def _ids(function: Function) -> str:
    return f"{function.vendor:04x}:{function.device:04x}"


def _listed(devices: Sequence[str]) -> str:
    return f"VMBus device {devices[0]}" + (f" (and {len(devices) - 1} more)" if len(devices) > 1 else "")
