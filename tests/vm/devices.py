# SPDX-License-Identifier: GPL-2.0-only
"""The PCI devices that a guest has beside those of virtme-ng, as QEMU options, and how the guest tells them.

All network ports hang on one hub, which gives every frame to every other port: what a NIC does not want is
its own to filter out.
"""

from dataclasses import dataclass

SYNTHETIC_MAC = "00:15:5d:0a:00:01"
PEER_MAC = "52:54:00:0a:00:02"
PF_MAC = "52:54:00:0a:00:03"
STANDBY_MAC = "00:15:5d:0a:00:05"
HUB = 7


@dataclass(frozen=True)
class Port:
    """One NIC on a hub."""

    name: str
    model: str
    """QEMU's name of the device, with options."""
    mac: str
    hub: int = HUB

    @property
    def options(self) -> list[str]:
        """What QEMU is given for it."""
        return [
            f"-netdev hubport,id={self.name},hubid={self.hub}",
            f"-device {self.model},id=nic-{self.name},netdev={self.name},mac={self.mac}",
        ]


SRIOV_PAIR = (
    Port("synthetic", "virtio-net-pci", SYNTHETIC_MAC),
    Port("peer", "virtio-net-pci", PEER_MAC),
    Port("pf", "igb,bus=sriov", PF_MAC),
)
"""A synthetic NIC, somebody to talk to, and a physical function that makes VFs when it is told to."""

SRIOV_SLOT = "-device pcie-root-port,id=sriov,slot=1"
"""SR-IOV takes a PCIe port: VFs are other functions, or the bus after."""

HOT_SLOT = ["-device pcie-root-port,id=hot,slot=2,chassis=2", f"-netdev hubport,id=hot-wire,hubid={HUB}"]
"""A slot of hot-pluggable PCIe, `hot`, and a wire for the NIC that QMP plugs in there, `hot-wire`."""

STANDBY = Port("standby", "virtio-net-pci,failover=on", STANDBY_MAC)
"""A virtio NIC that offers VIRTIO_NET_F_STANDBY: its driver makes a net_failover device for it."""


def qemu_options() -> list[str]:
    """Return the options for the devices of every guest."""
    return [SRIOV_SLOT, *(option for port in SRIOV_PAIR for option in port.options)]
