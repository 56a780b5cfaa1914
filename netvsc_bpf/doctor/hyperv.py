# SPDX-License-Identifier: GPL-2.0-only
"""On Hyper-V: does the host offer a VF, is it an interface, and by which path does the host deliver?"""

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
    """Return whether this is a synthetic NIC of Hyper-V."""
    return nic.driver == DRIVER


def check_offered(pair: Pair, offered: Sequence[Offer]) -> Finding:
    """Explain why a synthetic NIC has no VF: at which step between the host's offer and a VF it failed. Pure.

    Only hv_netvsc knows which offer belongs to which synthetic NIC.
    """
    name = pair.synthetic.name
    functions = [function for offer in offered for function in offer.functions]
    for function in functions:
        found = _stuck(name, function)
        if found is not None:
            return found
    asleep = [offer.device for offer in offered if offer.driver is None]
    if asleep:
        what = (
            f"{name} has no VF, and {_listed(asleep)}, offered by the host and possibly its VF, has no driver"
        )
        return warning(CHECK, what, "`modprobe pci-hyperv`; if it is loaded, `dmesg` says why it failed")
    others = f" ({len(functions)} present, with other MACs)" if functions else ""
    return warning(
        CHECK,
        f"the host offers no VF for {name}{others}: accelerated networking (SR-IOV) is off, or this VM size "
        "does not support it, or the host is under maintenance",
        "Azure: `az network nic update -g GROUP -n NIC --accelerated-networking true`; Hyper-V: "
        "`Set-VMNetworkAdapter -VMName VM -IovWeight 100`, on a switch created with -EnableIov",
    )


def _stuck(name: str, function: Function) -> Finding | None:
    """Return why a PCI function is not an interface here, None if it is one."""
    if function.interfaces:
        return None
    what = f"{name} has no VF, and PCI function {function.address} ({_ids(function)})"
    if function.driver is None:
        return warning(CHECK, f"{what} has no driver", f"`modprobe {_module(function)}`")
    if function.driver == "mlx4_core":
        return warning(CHECK, f"{what} has no interface", "`modprobe mlx4_en`")
    where = "has no interface in this network namespace"
    return warning(
        CHECK, f"{what}, driver {function.driver}, {where}", "check other network namespaces, and `dmesg`"
    )


def check_path_of_host(pair: Pair, vf: Nic) -> Finding:
    """Return by which path the host delivers, and why. Pure.

    hv_netvsc notifies its host when the VF that it has enslaved goes up or down (netvsc_vf_changed()), and
    on no other occasion.
    """
    synthetic = pair.synthetic
    if not _enslaved(synthetic, vf):
        what = f"hv_netvsc did not enslave {vf.name}, so the host is not notified of path changes"
        return ok(CHECK, f"{what}: `run` announces them")
    by, state = (vf.name, "up") if vf.up else (synthetic.name, "down")
    return ok(CHECK, f"the host delivers to {by}, because {vf.name} ({vf.driver}) is {state}")


def check_double_qdiscs(pair: Pair, synthetic: list[Qdisc], vf: list[Qdisc]) -> Finding | None:
    """Report that without netvsc-bpf each packet is queued in the qdiscs of both devices. Pure.

    hv_netvsc sends only through the VF that it has enslaved (netvsc_start_xmit()).
    """
    if pair.vf is None or not is_netvsc(pair.synthetic) or not _enslaved(pair.synthetic, pair.vf):
        return None
    roots = [next((one.kind for one in each if one.parent == ROOT), "noqueue") for each in (synthetic, vf)]
    if "noqueue" in roots:
        return None
    names = (pair.synthetic.name, pair.vf.name)
    both = " and ".join(f"the {kind} of {name}" for kind, name in zip(roots, names, strict=True))
    return ok(
        CHECK, f"packets that hv_netvsc sends by the VF wait in {both}; steered ones in the second only"
    )


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
