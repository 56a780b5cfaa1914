# SPDX-License-Identifier: GPL-2.0-only
"""NICs that a configuration assigns to two pairs. Pure.

What the machine knows about the same names is checked when the manager starts or reloads
(netvsc_bpf/manager/refusals.py).
"""

from collections.abc import Collection, Iterator, Mapping

from netvsc_bpf.model.errors import CrossedPairs


def crossings(vfs: Mapping[str, str], synthetics: Collection[str]) -> Iterator[CrossedPairs]:
    """Yield an error, with the faulty interface as `what`, for each NIC that would belong to two pairs.

    `vfs` are the explicitly named VFs, by their synthetic NIC; `synthetics` are all named synthetic NICs.
    """
    owners: dict[str, str] = {}
    for synthetic, vf in vfs.items():
        if vf == synthetic:
            yield CrossedPairs(synthetic, f"vf = {vf}: a NIC cannot be its own VF")
        elif vf in synthetics:
            yield CrossedPairs(synthetic, f"vf = {vf}: {vf} is configured as a synthetic NIC")
        elif vf in owners:
            yield CrossedPairs(synthetic, f"vf = {vf}: it is already the VF of {owners[vf]}")
        owners.setdefault(vf, synthetic)
