# SPDX-License-Identifier: GPL-2.0-only
"""Groups that the guest joins, and what the switch knows of them."""

import json
import socket

from netvsc_bpf.lab.plan import Fabric
from netvsc_bpf.lab.topology import Lab
from tests.kernel.fabrics.vf_filter import listened_to
from tests.kernel.support.waiting import eventually

GROUPS = 18
"""That are joined in each state: more than a crowded filter has room for."""


def group_mac(group: str) -> bytes:
    """The MAC of an IPv4 group (RFC 1112, 6.4)."""
    last = bytearray(socket.inet_aton(group)[1:])
    last[0] &= 0x7F
    return b"\x01\x00\x5e" + bytes(last)


class Members:
    """A socket of the guest that is a member of some groups; the switch has heard of them where it snoops."""

    def __init__(self, lab: Lab, number: int) -> None:
        self._lab = lab
        self.groups = [f"239.1.{number}.{1 + one}" for one in range(GROUPS)]
        self._socket = lab.in_guest(self._join, lab.plan.pair(0).address)
        if lab.plan.fabric is Fabric.SNOOPING:
            eventually("the switch knows the members", lambda: set(self.groups) <= reported(lab))

    def reported_behind(self, port: str) -> bool:
        """Say whether the switch, if it snoops, knows them all behind a port of it."""
        snoops = self._lab.plan.fabric is Fabric.SNOOPING
        return not snoops or set(self.groups) <= reported(self._lab, port)

    def leave(self) -> None:
        """Leave the groups."""
        self._socket.close()

    def listened_to_by_vf(self, lab: Lab) -> bool:
        """Say whether the VF has them all on its list."""
        return {group_mac(one) for one in self.groups} <= set(listened_to(lab, "vf0"))

    def _join(self, address: str) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for group in self.groups:
            member = socket.inet_aton(group) + socket.inet_aton(address)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        return made


def reported(lab: Lab, port: str | None = None) -> set[str]:
    """The groups of which the switch knows a member, behind this port or any."""
    shown = json.loads(lab.run(lab.fabric, ["bridge", "-j", "mdb", "show"]).stdout)
    return {entry["grp"] for entry in shown[0]["mdb"] if port in (None, entry["port"])}
