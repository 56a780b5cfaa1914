# SPDX-License-Identifier: GPL-2.0-only
"""Decides which receive offloads a VF has to have, so that its packets arrive as those of the synthetic NIC.

The VF merges what it receives (napi_gro_receive() goes by skb->dev, which is the VF) before home delivers it
to the synthetic NIC, whose own features are not asked again. So:

* GRO in software (rx-gro, rx-gro-list, rx-udp-gro-forwarding), which every device has: on or off as on the
  synthetic NIC.
* LRO, which loses the original packets: off where the synthetic NIC can do it and has it off. Where the
  synthetic NIC cannot do it, its `off` says nothing about the stack: then it is off only if packets are
  forwarded, for which the kernel would switch it off (dev_disable_lro(), net/core/dev.c) if it knew that the
  VF belongs to the synthetic NIC.
  The same holds where generic XDP has switched it off (generic_xdp_install()), as guard does in that mode:
  it lets packets of the VF pass unseen, and the kernel copies those that GRO has merged all the same.
* GRO in hardware: its packets are those of GRO (Documentation/networking/netdev-features.rst), so `off` on
  the synthetic NIC concerns that device alone.
* Where GRO is off, nothing may be merged: LRO and GRO in hardware are off too.

LRO and GRO in hardware are never switched on, because the stack does not depend on it. What is no longer
decided gets its original value. Pure.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from netvsc_bpf.model.receive_offload import ABSENT, Offloads, ReceiveOffload

IN_SOFTWARE = (ReceiveOffload.GRO, ReceiveOffload.GRO_LIST, ReceiveOffload.UDP_GRO)

Values = Mapping[ReceiveOffload, bool]


def decided(
    synthetic: Offloads, vf: Offloads, original: Values, forwards: Callable[[], bool]
) -> dict[ReceiveOffload, bool]:
    """Return the values that the synthetic NIC requires of its VF.

    `original` are the values of what was changed on the VF. `forwards` returns whether packets of the
    synthetic NIC may be forwarded; it is called only if that matters, because it reads all interfaces.
    """
    values = {}
    for one in IN_SOFTWARE:
        state = synthetic[one]
        # Older kernels have veth switch GRO on by itself while it runs XDP, as guard is (veth_enable_xdp()).
        if state.requested == state.active:
            values[one] = state.active
    if values.get(ReceiveOffload.GRO) is False:
        return {**values, ReceiveOffload.LRO: False, ReceiveOffload.GRO_HW: False}
    if _needs_lro_off(synthetic, vf, original, forwards):
        values[ReceiveOffload.LRO] = False
    return values


def without_guard(synthetic: Offloads, switched_off: AbstractSet[str]) -> Offloads:
    """Return the offloads of a synthetic NIC, without those that guard in generic mode has switched off."""
    off_by_guard = [one for one, state in synthetic.items() if one in switched_off and not state.active]
    return {**synthetic, **dict.fromkeys(off_by_guard, ABSENT)}


def requests(values: Values, vf: Offloads, original: Values) -> dict[ReceiveOffload, bool]:
    """Return what has to be requested of the VF: `values`, and originals that are no longer decided.

    A request stands until it is replaced, so one that the kernel has not granted is not repeated.
    """
    wanted = {**original, **values}
    return {one: on for one, on in wanted.items() if vf[one].available and vf[one].requested is not on}


def unmet(values: Values, vf: Offloads) -> dict[ReceiveOffload, bool]:
    """Return those of `values` that the VF does not have, and that requesting them does not change."""
    pending = requests(values, vf, {})
    return {one: on for one, on in values.items() if vf[one].active is not on and one not in pending}


def _needs_lro_off(synthetic: Offloads, vf: Offloads, original: Values, forwards: Callable[[], bool]) -> bool:
    lro = synthetic[ReceiveOffload.LRO]
    if lro.active:
        return False
    if lro.available:
        return not lro.requested
    concerns = vf[ReceiveOffload.LRO].active or ReceiveOffload.LRO in original
    return concerns and forwards()
