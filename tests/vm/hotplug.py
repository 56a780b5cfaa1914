# SPDX-License-Identifier: GPL-2.0-only
"""The same pair with another VF: an e1000e that QEMU plugs into a PCIe slot, and whose wire it can pull."""

from dataclasses import dataclass, field

from netvsc_bpf.model.nic import Nic
from tests.kernel.support.waiting import eventually
from tests.vm.devices import SYNTHETIC_MAC
from tests.vm.sriov import SriovPair
from vm.qmp import Qmp

_ID = "hot-vf"


@dataclass
class HotPluggedPair(SriovPair):
    """What the host does to the VF it does by PCI hot-plug."""

    monitor: Qmp = field(kw_only=True)

    def plug(self) -> Nic:
        """Plug the NIC in."""
        where = {"bus": "hot", "netdev": "hot-wire", "mac": SYNTHETIC_MAC}
        self.monitor("device_add", driver="e1000e", id=_ID, **where)
        eventually("the NIC is there", lambda: self.vf is not None)
        vf = self.vf
        assert vf is not None and vf.driver == "e1000e"
        return vf

    def unplug(self) -> None:
        """Have the guest release it: QEMU requests that, and the kernel takes its time.

        The slot is switched off last; until then QEMU has the device, and no other one can be plugged in.
        """
        self.monitor("device_del", id=_ID)
        eventually("the NIC is gone", lambda: self.vf is None)
        eventually("its slot is empty", lambda: not self._is_plugged)

    @property
    def _is_plugged(self) -> bool:
        devices = self.monitor("qom-list", path="/machine/peripheral")
        return any(device["name"] == _ID for device in devices)

    def carrier(self, on: bool) -> None:
        """Set the link of a device up or down; e1000e notices by an interrupt."""
        self.monitor("set_link", name=_ID, up=on)
