# SPDX-License-Identifier: GPL-2.0-only
"""Gives the programs what they need of a synthetic NIC to recognise copies of frames (ebpf/evidence.h).

That is its MAC, whether devices above it send from addresses of their own, and what guard sees there. On
level `fentry` the sentinel notices a device that is put on top without a manager.
"""

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.discovery.nics import get_nic
from netvsc_bpf.discovery.stack import stack, uses_vlans
from netvsc_bpf.discovery.xdp_mode import attached_mode
from netvsc_bpf.kernel.bpf import abi, links
from netvsc_bpf.kernel.bpf.abi import ControlCommand, NicFact
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.net import address_lists
from netvsc_bpf.kernel.net.ethtool_features import active_features
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness, XdpMode

_STRIPS_TAGS = "rx-vlan-hw-parse"  # NETIF_F_HW_VLAN_CTAG_RX, net/ethtool/common.c


def is_described(session: Session, loaded: LoadedObject, synthetic: Nic, slot: int) -> bool:
    """Return whether the programs have what describe() would give them. Raises OSError if the NIC is gone."""
    state, now = loaded.pair(slot), _facts(session, loaded, synthetic)
    searches = loaded.liveness is not Liveness.FENTRY or NicFact.SENDERS in now
    known = state.address, NicFact(state.facts), state.plain_ifindex == 0
    return known == (abi.address(synthetic.mac), now, searches)


def describe(session: Session, loaded: LoadedObject, synthetic: Nic, slot: int) -> None:
    """Give the programs the MAC of the synthetic NIC and the facts. Raises NoSuchNic, KernelError.

    Guard and home drop copies from then on, unless the mode is off: see suspend_guard().
    """
    with changing(f"cannot describe {synthetic.name}"):
        synthetic = get_nic(session.rtnl, synthetic.ifindex)  # guard may have been attached since it was read
        loaded.control(ControlCommand.ADDRESS, slot, abi.address(synthetic.mac))
        facts = _facts(session, loaded, synthetic)
        if NicFact.GUARD_MOVES in NicFact(loaded.pair(slot).facts):
            # Home marks frames for a guard in generic mode before that guard takes the others for copies.
            loaded.control(ControlCommand.FACTS, slot, facts | NicFact.GUARD_MOVES)
        loaded.control(ControlCommand.FACTS, slot, facts)


def suspend_guard(loaded: LoadedObject, slot: int) -> None:
    """Have guard and home drop nothing, and home mark nothing for guard, until describe().

    For attaching and detaching guard: in generic mode it takes what home redirects for copies, until
    describe() has stored that mode. What guard has to do is kept, also if this process is killed: the next
    one finds that the NIC is not described.
    """
    facts = NicFact(loaded.pair(slot).facts) & ~NicFact.GENERIC_XDP
    loaded.control(ControlCommand.FACTS, slot, facts | NicFact.GUARD_MOVES)


def _facts(session: Session, loaded: LoadedObject, synthetic: Nic) -> NicFact:
    found = NicFact(0)
    if _has_senders(session, loaded, synthetic):
        found |= NicFact.SENDERS
    if uses_vlans(session.nics, synthetic) and _STRIPS_TAGS in active_features(synthetic.name):
        found |= NicFact.TAGS_HIDDEN
    if attached_mode(synthetic) is XdpMode.GENERIC and _runs_guard(session, synthetic):
        found |= NicFact.GENERIC_XDP
    return found


def _has_senders(session: Session, loaded: LoadedObject, synthetic: Nic) -> bool:
    above = stack(session.nics, synthetic)
    if synthetic.promiscuity or any(nic.master is not None or nic.mac != synthetic.mac for nic in above):
        return True
    # A macvlan in another network namespace, as containers have it, is seen by its address alone. On the
    # other levels it makes no difference: there steer always notes who sends.
    on_best_level = loaded.liveness is Liveness.FENTRY
    return on_best_level and bool(address_lists.unicast_list(session.rtnl, synthetic.ifindex))


def _runs_guard(session: Session, synthetic: Nic) -> bool:
    link = links.state(session.pins.link(synthetic.ifindex, "guard"))
    return link is not None and link.prog_id == synthetic.xdp_prog_id
