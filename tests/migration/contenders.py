# SPDX-License-Identifier: GPL-2.0-only
"""What makes one NIC of the virtio NIC and the VF in the guest, and what each needs."""

from dataclasses import dataclass
from enum import StrEnum

from tests.migration.fabric import GUEST_ADDRESS
from tests.migration.machines import Guest

MANAGER_LOG = "/tmp/manager.log"
_LINKS_LOG = "/tmp/links.log"


class Kind(StrEnum):
    """What is compared."""

    MANAGED = "netvsc-bpf"
    KILLED = "netvsc-bpf, manager killed before"
    SILENT = "netvsc-bpf, guest only receives"
    BONDING = "bonding"
    NET_FAILOVER = "net_failover"


_BOND = """
modprobe bonding max_bonds=0
ip link add bond0 type bond mode active-backup miimon 100 num_grat_arp 5
ip link set eth0 down
ip link set eth0 master bond0
ip link set bond0 up
"""
_ENSLAVE = """#!/bin/bash
# What a udev rule does: a NIC that is plugged in becomes the primary port of the bond.
while true; do
	for nic in /sys/class/net/eth*; do
		name=${nic##*/}
		if [ "$name" != eth0 ] && [ ! -e "$nic/master" ] && [ -e "$nic/device" ]; then
			ip link set "$name" down && ip link set "$name" master bond0 &&
				ip link set bond0 type bond primary "$name"
		fi
	done
	read -r -t 0.1 <>/run/never
done
"""


@dataclass
class Contender:
    """One of them, in one guest."""

    kind: Kind
    guest: Guest
    _manager: int = 0
    """Its process, in the guest."""

    @property
    def ours(self) -> bool:
        """Whether it is netvsc-bpf."""
        return self.kind in (Kind.MANAGED, Kind.KILLED, Kind.SILENT)

    @property
    def silent(self) -> bool:
        """Whether the guest sends nothing by itself."""
        return self.kind is Kind.SILENT

    def set_up(self) -> None:
        """Begin, with no VF plugged in."""
        nic = "eth0"
        if self.kind is Kind.BONDING:
            self.guest(_BOND)
            self.guest(
                f"mkfifo /run/never; cat > /run/enslave <<'END'\n{_ENSLAVE}\nEND\nchmod +x /run/enslave"
            )
            self.guest.start("/run/enslave", "/tmp/enslave.log")
            nic = "bond0"
        self.guest(f"ip address add {GUEST_ADDRESS}/24 dev {nic} && ip link set {nic} up")
        if self.ours:
            self.guest.start("python3 -P /opt/migration/links.py", _LINKS_LOG)
            self._run()
            self.guest.wait("attached", f"cat {MANAGER_LOG}", lambda text: '"attached"' in text)

    def before(self) -> None:
        """Do what the scenario wants done before the VF is unplugged."""
        if self.kind is Kind.KILLED:
            self.guest(f"kill -9 {self._manager}")

    def after(self) -> None:
        """Do what the scenario wants done once the VF is plugged in at the destination."""
        if self.kind is Kind.KILLED:
            self._run()

    def uses_vf(self) -> None:
        """Wait until the VF is used again. Raises TimeoutError."""
        if self.ours:
            status = "netvsc-bpf status --json eth0"
            self.guest.wait("the VF is used", status, lambda text: '"path": "vf"' in text)

    def report(self) -> dict[str, str]:
        """Return what netvsc-bpf and the kernel noted: files by name."""
        kernel = {"dmesg": self.guest("dmesg")}
        if not self.ours:
            return kernel | {"links": self.guest("ip -s -d link")}
        return kernel | {
            "manager": self.guest(f"cat {MANAGER_LOG}"),
            "links": self.guest(f"cat {_LINKS_LOG}"),
            "status": self.guest("netvsc-bpf status --json"),
            "metrics": self.guest("netvsc-bpf metrics"),
        }

    def _run(self) -> None:
        self._manager = self.guest.start("netvsc-bpf run eth0 --log-json", MANAGER_LOG)
