# SPDX-License-Identifier: GPL-2.0-only
"""On Hyper-V: is a VF offered, does it become an interface, and by which path does the host deliver?"""

from collections.abc import Sequence
from pathlib import Path

from netvsc_bpf.discovery.hyperv_offers import Function, Offer, offers
from netvsc_bpf.doctor.finding import Finding, ok, warning
from netvsc_bpf.kernel.netvsc_statistics import DRIVER
from netvsc_bpf.kernel.qdiscs import ROOT, Qdisc
from netvsc_bpf.model.nic import Nic, Pair

CHECK = "hyper-v"
_SYSFS = Path("/sys")
_MICROSOFT, _MELLANOX = 0x1414, 0x15B3
_MLX4 = frozenset({0x1002, 0x1004})
"""VFs of ConnectX-2 and ConnectX-3 (mlx4_pci_table, drivers/net/ethernet/mellanox/mlx4/main.c)."""


def is_netvsc(nic: Nic) -> bool:
    """Tell whether this is a synthetic NIC of Hyper-V."""
    return nic.driver == DRIVER


def read_offers() -> list[Offer]:
    """Return what the host offers to this machine. Raises OSError."""
    return offers(_SYSFS)


def check_offered(pair: Pair, offered: Sequence[Offer]) -> Finding:
    """Say where the way from the host's offer to a VF ends, for a synthetic NIC that has none. Pure.

    Which offer belongs to which synthetic NIC only hv_netvsc knows.
    """
    name = pair.synthetic.name
    asleep = [offer.device for offer in offered if offer.driver is None]
    if asleep:
        what = f"{name} has no VF, and {_listed(asleep)}, which the host offers, has no driver"
        return warning(CHECK, what, "`modprobe pci-hyperv`")
    functions = [function for offer in offered for function in offer.functions]
    unbound = [function for function in functions if function.driver is None]
    if unbound:
        what = f"{name} has no VF, and PCI function {unbound[0].address} ({_ids(unbound[0])}) has no driver"
        return warning(CHECK, what, f"`modprobe {_module(unbound[0])}`")
    if functions:
        return warning(CHECK, f"{name} has no VF; those that the host offers belong to other NICs")
    return warning(
        CHECK,
        f"the host offers {name} no VF: accelerated networking (SR-IOV) is off, or the host is in service",
        "switch it on for this NIC: `az network nic update --accelerated-networking true`, or "
        "`Set-VMNetworkAdapter -IovWeight 100` on Hyper-V",
    )


def check_path_of_host(pair: Pair, vf: Nic) -> Finding:
    """Say by which path the host delivers, and by whom that is decided. Pure.

    hv_netvsc tells its host when the VF that it has enslaved goes up or down (netvsc_vf_changed()), and of
    nothing else.
    """
    synthetic = pair.synthetic
    if vf.master != synthetic.ifindex:
        what = f"hv_netvsc did not enslave {vf.name}, so the host is not told whether it is used"
        return ok(CHECK, f"{what}: `run` announces each change of path")
    by, state = (vf.name, "up") if vf.up else (synthetic.name, "down")
    return ok(CHECK, f"the host delivers by {by}, since {vf.name} ({vf.driver}) is {state}")


def check_double_qdiscs(pair: Pair, synthetic: list[Qdisc], vf: list[Qdisc]) -> Finding | None:
    """Tell that hv_netvsc alone has each packet wait in the qdiscs of both devices. Pure."""
    if pair.vf is None or not is_netvsc(pair.synthetic):
        return None
    roots = [next((one.kind for one in each if one.parent == ROOT), "noqueue") for each in (synthetic, vf)]
    if "noqueue" in roots:
        return None
    names = (pair.synthetic.name, pair.vf.name)
    both = " and ".join(f"the {kind} of {name}" for kind, name in zip(roots, names, strict=True))
    return ok(CHECK, f"what hv_netvsc sends by the VF waits in {both}; what is steered in the second alone")


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
