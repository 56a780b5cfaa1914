# SPDX-License-Identifier: GPL-2.0-only
"""What a VF of hardware lets in. A veth lets everything in, so that the fabric's port is the filter."""

import json
from pathlib import Path

from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.frames import BROADCAST, GUEST_MAC

ROOM = 16
"""Groups that fit when the filter is crowded; igbvf and ixgbevf have room for 30."""


def listened_to(lab: Lab, interface: str) -> list[bytes]:
    """The group addresses of an interface, in the order in which its driver sees them."""

    def read() -> list[bytes]:
        # dev_mcast: ifindex, name, users, global users, address
        lines = [line.split() for line in Path("/proc/thread-self/net/dev_mcast").read_text().splitlines()]
        return [bytes.fromhex(line[4]) for line in lines if line[1] == interface]

    return lab.in_guest(read)


def flags(lab: Lab, interface: str) -> list[str]:
    """IFF_* of an interface of the guest, as `ip link` names them."""
    shown = lab.run(lab.guest, ["ip", "-j", "link", "show", "dev", interface]).stdout
    found: list[str] = json.loads(shown)[0]["flags"]
    return found


class VfFilter:
    """Passes to vf0 its MAC, broadcast and the groups on its list; everything once it is promiscuous.

    In all-multicast mode it passes every group. A call makes it follow changes by the guest.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def follow(self, room: int | None = None, *, trusted: bool = True) -> None:
        """Let in what vf0 asks for now; of its groups the first ``room``, as ixgbevf does.

        A VF that is not ``trusted`` gets no all-multicast mode, and does not learn that.
        """
        passed = [GUEST_MAC, BROADCAST, *listened_to(self._lab, "vf0")[:room]]
        rule = f"ether daddr != {{ {', '.join(mac.hex(':') for mac in passed)} }} counter drop"
        mode = flags(self._lab, "vf0")
        if "PROMISC" in mode:
            rule = "counter accept"
        elif "ALLMULTI" in mode and trusted:
            rule = f"ether daddr & 01:00:00:00:00:00 == 0 {rule}"
        chain = f'chain out {{ type filter hook egress device "vf0" priority 0; {rule}; }};'
        table = "table netdev vf_filter"
        self._lab.run(self._lab.fabric, ["nft", f"add {table}; delete {table}; {table} {{ {chain} }}"])
