# SPDX-License-Identifier: GPL-2.0-only
"""Does somebody's XDP program on the synthetic NIC see what comes in by the VF? Pure.

It does not: XDP belongs to a device, and what home brings to the synthetic NIC is past its XDP hook (the
kernel skips generic XDP for frames that were redirected, netif_receive_generic_xdp()). hv_netvsc copies the
program onto its VF, if that takes it (netvsc_vf_setxdp()); elsewhere whoever loads the program has to.
"""

from netvsc_bpf.model.nic import Nic


def bypassed_xdp_program(synthetic: Nic, vf: Nic, *, guarded: bool) -> int | None:
    """Return the id of the program that the VF's frames pass by, None if there is none.

    With any program on the VF somebody has thought of it. `guarded`: what runs on the synthetic NIC is our
    own guard, which is not meant for the VF.
    """
    return None if guarded or vf.xdp_prog_id is not None else synthetic.xdp_prog_id


def describe(program: int, synthetic: Nic, vf: Nic) -> str:
    """Say what is wrong."""
    return (
        f"{vf.name} runs no XDP program: program {program} of {synthetic.name} does not see "
        "what comes in by the VF"
    )
