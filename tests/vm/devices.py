# SPDX-License-Identifier: GPL-2.0-only
"""The PCI devices that a guest has besides those of virtme-ng, as QEMU options, and how the guest finds them.

The ports of a pair hang on one hub, which gives every frame to every other port: what a NIC does not want is
its own to filter out. The virtio pair and the pair of hv_netvsc have a hub each.
"""

from dataclasses import dataclass

SYNTHETIC_MAC = "00:15:5d:0a:00:01"
PEER_MAC = "52:54:00:0a:00:02"
PF_MAC = "52:54:00:0a:00:03"
HYPERV_MAC = "00:15:5d:0b:00:01"
VF_PORT_MAC = "52:54:00:0a:00:04"
HYPERV_PF_MAC = "52:54:00:0a:00:06"
STANDBY_MAC = "00:15:5d:0a:00:05"
HUB = 7
HYPERV_HUB = 8


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
"""A synthetic NIC, a peer, and a physical function that creates VFs on request."""

SRIOV_SLOT = "-device pcie-root-port,id=sriov,slot=1"
"""SR-IOV takes a PCIe port: VFs are other functions, or the bus after."""

HOT_SLOT = ["-device pcie-root-port,id=hot,slot=2,chassis=2", f"-netdev hubport,id=hot-wire,hubid={HUB}"]
"""A slot of hot-pluggable PCIe, `hot`, and a wire for the NIC that QMP plugs in there, `hot-wire`."""

HYPERV_DEVICES = (
    Port("vf-port", "virtio-net-pci", VF_PORT_MAC, HYPERV_HUB),
    Port("hyperv-pf", "igb,bus=hyperv-sriov", HYPERV_PF_MAC, HYPERV_HUB),
)
"""What the Hyper-V host of a guest (tests/vm/hyperv) needs: the port of its switch that leads to VFs, and
the physical function that makes them. The synthetic NIC and the peer's wire are made by the module."""

HYPERV_SLOTS = [
    "-device pcie-root-port,id=hyperv-sriov,slot=3,chassis=3",
    "-device pcie-root-port,id=hyperv-hot,slot=4,chassis=4",
    f"-netdev hubport,id=hyperv-hot-wire,hubid={HYPERV_HUB}",
]

STANDBY = Port("standby", "virtio-net-pci,failover=on", STANDBY_MAC)
"""A virtio NIC that offers VIRTIO_NET_F_STANDBY: its driver makes a net_failover device for it."""


def qemu_options() -> list[str]:
    """Return the options for the devices of every guest."""
    return [SRIOV_SLOT, *_options(SRIOV_PAIR)]


def hyperv_options() -> list[str]:
    """Return the options for the devices that a pair of hv_netvsc needs."""
    return [*HYPERV_SLOTS, *_options(HYPERV_DEVICES)]


def _options(ports: tuple[Port, ...]) -> list[str]:
    return [option for port in ports for option in port.options]
