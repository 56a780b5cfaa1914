# SPDX-License-Identifier: GPL-2.0-only
"""Creates the cables, ports and addresses of a plan in three existing namespaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from netvsc_bpf.lab import fabrics, wiring
from netvsc_bpf.lab.bridge_ports import wait_for_ports
from netvsc_bpf.lab.fabrics import PortRules
from netvsc_bpf.lab.namespace import call_in
from netvsc_bpf.lab.plan import Fabric, LabPlan, PairPlan
from netvsc_bpf.lab.wiring import Cable, with_rtnl

SWITCH = "switch"
PEER_NIC = "eth0"
_PEER_PORT = "peer"
# Far above what the kernel assigns, so that no cable has the same ifindex at both ends (see wiring.py).
_FIRST_FAR_INDEX = 1_000_000


@dataclass(frozen=True, slots=True)
class Places:
    """The names of the namespaces of one lab."""

    guest: str
    fabric: str
    peer: str


class Builder:
    """Builds one lab; counts the far ends, because an ifindex is never used twice."""

    def __init__(self, plan: LabPlan, places: Places) -> None:
        self._plan = plan
        self._places = places
        self._far_indexes = count(_FIRST_FAR_INDEX)

    def build(self) -> None:
        """Build the plan; returns when every port of the switch forwards."""
        pairs = [self._plan.pair(i) for i in range(self._plan.pairs)]
        for name in (self._places.guest, self._places.peer):
            with_rtnl(name, _quiet_host)
        # The fabric is only a switch: it must not send frames of its own.
        call_in(self._places.fabric, wiring.write_sysctl, "ipv6/conf/default/disable_ipv6", 1)
        if self._plan.fabric is not Fabric.NONE:
            switch = fabrics.switch_rules(self._plan.fabric)
            with_rtnl(self._places.fabric, lambda rtnl: wiring.build_switch(rtnl, SWITCH, switch))
            self._build_peer(pairs)
        self._build_guest(pairs)
        if self._plan.vf:
            self.plug([(pair, pair.vf) for pair in pairs], up=True, link_local=False)
        if self._plan.fabric is not Fabric.NONE:
            wait_for_ports(self._places.fabric)

    def plug(self, vfs: Sequence[tuple[PairPlan, str]], *, up: bool, link_local: bool) -> None:
        """Create the cables of VFs, each with its name in the guest."""
        cables = [self._cable(name, pair.vf_port, pair.mac) for pair, name in vfs]
        rules = {pair.vf_port: fabrics.vf_rules(self._plan.fabric, pair) for pair, _ in vfs}
        self._lay(cables, self._places.guest, rules)
        self._bind({pair.vf_port: pair.mac for pair, _ in vfs})

        def settle(rtnl: Any) -> None:
            for _, name in vfs:
                if not link_local:
                    wiring.write_sysctl(f"ipv6/conf/{name}/addr_gen_mode", 1)
                if up:
                    wiring.set_up(rtnl, wiring.index_of(rtnl, name), True)

        with_rtnl(self._places.guest, settle)

    def leave_vf(self, pair: PairPlan) -> None:
        """Have the fabric stop using a VF that is about to be unplugged, if it would not notice by itself."""
        self._bind({pair.synthetic_port: pair.mac})

    def _bind(self, macs: dict[str, str]) -> None:
        # Maps ports to MACs. Any other fabric learns them.
        if self._plan.fabric is not Fabric.EMBEDDED:
            return

        def bind(rtnl: Any) -> None:
            for port, mac in macs.items():
                wiring.bind(rtnl, wiring.index_of(rtnl, port), mac)

        with_rtnl(self._places.fabric, bind)

    def _build_peer(self, pairs: Sequence[PairPlan]) -> None:
        rules = fabrics.uplink_rules(self._plan.fabric)
        self._lay([self._cable(PEER_NIC, _PEER_PORT, None)], self._places.peer, {_PEER_PORT: rules})

        def configure(rtnl: Any) -> None:
            index = wiring.index_of(rtnl, PEER_NIC)
            wiring.set_up(rtnl, index, True)
            for pair in pairs:
                wiring.add_address(rtnl, index, pair.peer_address, 24)
                wiring.add_address(rtnl, index, pair.peer_address6, 64)

        with_rtnl(self._places.peer, configure)

    def _build_guest(self, pairs: Sequence[PairPlan]) -> None:
        cables = [self._cable(pair.synthetic, pair.synthetic_port, pair.mac) for pair in pairs]
        rules = fabrics.synthetic_rules(self._plan.fabric)
        self._lay(cables, self._places.guest, {pair.synthetic_port: rules for pair in pairs})
        self._bind({pair.synthetic_port: pair.mac for pair in pairs})

        def configure(rtnl: Any) -> None:
            for pair in pairs:
                index = wiring.index_of(rtnl, pair.synthetic)
                wiring.set_up(rtnl, index, True)
                wiring.add_address(rtnl, index, pair.address, 24)
                wiring.add_address(rtnl, index, pair.address6, 64)

        with_rtnl(self._places.guest, configure)

    def _lay(self, cables: Sequence[Cable], near: str, rules: dict[str, PortRules]) -> None:
        # Ports are open before the near end comes up, so that its first frame is forwarded.
        def lay(rtnl: Any) -> None:
            wiring.lay(rtnl, cables, near)
            switch = None if self._plan.fabric is Fabric.NONE else wiring.index_of(rtnl, SWITCH)
            for cable in cables:
                if switch is not None:
                    wiring.connect(rtnl, cable.far_index, switch, rules.get(cable.far, PortRules()))
                wiring.set_up(rtnl, cable.far_index, True)

        with_rtnl(self._places.fabric, lay)

    def _cable(self, near: str, far: str, mac: str | None) -> Cable:
        return Cable(near=near, far=far, far_index=next(self._far_indexes), mtu=self._plan.mtu, mac=mac)


def _quiet_host(rtnl: Any) -> None:
    # Addresses are usable at once, and the kernel sends nothing unsolicited.
    wiring.write_sysctl("ipv6/conf/default/accept_dad", 0)
    wiring.write_sysctl("ipv6/conf/default/router_solicitations", 0)
    # Several NICs on one wire: each answers ARP for its own address only.
    wiring.write_sysctl("ipv4/conf/all/arp_ignore", 1)
    wiring.set_up(rtnl, wiring.index_of(rtnl, "lo"), True)
