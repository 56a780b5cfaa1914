# SPDX-License-Identifier: GPL-2.0-only
"""Gives the programs what they need of a synthetic NIC to recognise copies: its MAC, and what is above it.

Steer notes from which MACs devices above the NIC send, for guard and home (ebpf/evidence.h), but only if there
are such devices. On level `fentry` the sentinel notices one that is added without a manager.
"""

from collections.abc import Iterable

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, Uppers
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.net.ethtool_features import active_features
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Liveness

_STRIPS_TAGS = "rx-vlan-hw-parse"  # NETIF_F_HW_VLAN_CTAG_RX, net/ethtool/common.c


def is_described(session: Session, loaded: LoadedObject, synthetic: Nic, slot: int) -> bool:
    """Return whether the programs have what describe() would give them. Raises OSError if the NIC is gone."""
    state, now = loaded.pair(slot), _uppers(session.nics, synthetic)
    searches = loaded.liveness is not Liveness.FENTRY or Uppers.SEND in now
    return (
        state.address == abi.address(synthetic.mac)
        and state.uppers == now
        and (state.plain_ifindex == 0) == searches
    )


def describe(session: Session, loaded: LoadedObject, synthetic: Nic, slot: int) -> None:
    """Give the programs the MAC of the synthetic NIC and what is above it. Raises KernelError."""
    with changing(f"cannot describe {synthetic.name}"):
        loaded.control(ControlCommand.ADDRESS, slot, abi.address(synthetic.mac))
        loaded.control(ControlCommand.UPPERS, slot, _uppers(session.nics, synthetic))


def _uppers(nics: Iterable[Nic], synthetic: Nic) -> Uppers:
    above = _stack(list(nics), synthetic)
    found = Uppers(0)
    if synthetic.promiscuity or any(nic.master is not None or nic.mac != synthetic.mac for nic in above):
        found |= Uppers.SEND
    if any(nic.kind == "vlan" for nic in above) and _STRIPS_TAGS in active_features(synthetic.name):
        found |= Uppers.TAG
    return found


def _stack(nics: list[Nic], synthetic: Nic) -> list[Nic]:
    """Return the NIC and the VLANs and macvlans on it, directly or not."""
    stack = [synthetic]
    for lower in stack:
        stack += [nic for nic in nics if nic.link == lower.ifindex and nic not in stack]
    return stack
