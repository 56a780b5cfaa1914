# SPDX-License-Identifier: GPL-2.0-only
"""Detects a foreign XDP program on the synthetic NIC that frames of the VF bypass. Pure.

An XDP program sees the frames of its own device only, and frames that home redirects to the synthetic NIC are
past the hook in its driver (in generic mode they are not: ebpf/guard.c, is_from_home()). hv_netvsc
copies the program onto its VF, if that accepts it (netvsc_vf_setxdp()); otherwise it has to be attached
to the VF as well.
"""

from netvsc_bpf.model.nic import Nic


def bypassed_xdp_program(synthetic: Nic, vf: Nic, *, guarded: bool) -> int | None:
    """Return the id of the program that the VF's frames bypass, None if there is none.

    If the VF has any XDP program, that is assumed to be intended. `guarded`: the program on the synthetic NIC
    is netvsc-bpf's own guard, which is not needed on the VF.
    """
    return None if guarded or vf.xdp_prog_id is not None else synthetic.xdp_prog_id


def describe(program: int, synthetic: Nic, vf: Nic) -> str:
    """Return a warning about the program."""
    return (
        f"{vf.name} runs no XDP program: program {program} of {synthetic.name} does not see "
        "frames received through the VF"
    )
