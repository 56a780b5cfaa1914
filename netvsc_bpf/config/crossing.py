# SPDX-License-Identifier: GPL-2.0-only
"""Pairs that cross by what a configuration alone says of them. Pure.

What the machine says of the same names is asked when the manager starts or reloads
(netvsc_bpf/manager/refusals.py).
"""

from collections.abc import Collection, Mapping

from netvsc_bpf.model.errors import CrossedPairs


def check_names(vfs: Mapping[str, str], synthetics: Collection[str]) -> None:
    """Raise CrossedPairs, with the interface at fault as `what`, where a NIC would be a half of two pairs.

    `vfs` are the VFs that are named outright, by their synthetic NIC; `synthetics` are all named as such.
    """
    owners: dict[str, str] = {}
    for synthetic, vf in vfs.items():
        if vf == synthetic:
            raise CrossedPairs(synthetic, f"vf = {vf}: a NIC cannot be its own VF")
        if vf in synthetics:
            raise CrossedPairs(synthetic, f"vf = {vf}: {vf} is named as a synthetic NIC itself")
        if vf in owners:
            raise CrossedPairs(synthetic, f"vf = {vf}: it is the VF of {owners[vf]} already")
        owners[vf] = synthetic
