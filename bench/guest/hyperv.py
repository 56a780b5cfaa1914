# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own way of using two NICs as one on Hyper-V, and netvsc-bpf on top of it.

hv_netvsc is Debian's; VMBus and the host are a test module (tests/vm/hyperv). The driver enslaves the VF
whose PCI slot is called by the serial number that its host has announced. While the VF carries the packets
neither VMBus nor the host is on their way.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.guest.arrangements import Arrangement, bare, ours
from bench.guest.names import HV_NETVSC
from bench.guest.pci_pair import ENSLAVED
from bench.guest.shell import sh
from bench.waiting import wait
from tests.vm.devices import HYPERV_MAC
from tests.vm.hyperv.host import Host, hyperv_host

_DEVICE = "hv0"
_SERIAL = 7


@contextmanager
def arrangements_of_hyperv() -> Iterator[Mapping[str, Arrangement]]:
    """Load the host and the driver, and return what is measured with them."""
    with hyperv_host() as host:
        yield {
            "bare VF": partial(bare, ENSLAVED),
            HV_NETVSC: partial(_alone, host),
            "netvsc-bpf": partial(_with_ours, host),
        }


@contextmanager
def _alone(host: Host) -> Iterator[str]:
    """The driver pairs automatically, without set-up. Without its NIC, the VF is a NIC like any other."""
    pci = (Path("/sys/class/net") / ENSLAVED / "device").resolve().name
    host.name_slot(pci, str(_SERIAL))
    nic = host.add(HYPERV_MAC, _SERIAL)
    try:
        wait("hv_netvsc has the NIC", lambda: nic.has_driver)
        sh(f"ip link set {nic.name} name {_DEVICE}", f"ip link set {_DEVICE} up")
        wait("the host delivers by the VF", lambda: nic.datapath == "vf")
        yield _DEVICE
    finally:
        host.remove(nic)
        wait("the NIC is gone", lambda: not Path("/sys/class/net", _DEVICE).exists())


@contextmanager
def _with_ours(host: Host) -> Iterator[str]:
    with _alone(host) as device, ours(device, ENSLAVED):
        yield device
