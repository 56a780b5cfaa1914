# SPDX-License-Identifier: GPL-2.0-only
"""A pair of PCI devices, and another one of which net_failover makes one: what a packet costs with drivers.

net_failover takes a PCI device and no other (net_failover_slave_pre_register(), drivers/net/net_failover.c),
and its virtio NIC has no use but that. So there are two pairs of the same make, and a third VF for hv_netvsc
(hyperv.py), each port on a hub of its own: QEMU's e1000e sends within the write to its doorbell, so nothing
waits for it. Another e1000e on the hub of each VF, in the namespace `far`, can hear it.
"""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from bench.guest import live_frames
from bench.guest.shell import sh
from bench.waiting import wait
from netvsc_bpf.lab.namespace import call_in
from tests.vm.devices import HYPERV_MAC, HYPERV_PF_MAC, PEER_MAC, PF_MAC, STANDBY_MAC, SYNTHETIC_MAC
from tests.vm.sriov import nics

VF, PRIMARY, ENSLAVED = "vf0", "vf1", "vf2"
"""That of eth0, that of net_failover, and that of hv_netvsc."""
FAR = {VF: "far0", PRIMARY: "far1", ENSLAVED: "far2"}
"""Who hears it, where somebody shall."""
_NAMES = {
    (SYNTHETIC_MAC, "virtio_net"): "eth0",
    (SYNTHETIC_MAC, "e1000e"): VF,
    (STANDBY_MAC, "e1000e"): PRIMARY,
    (HYPERV_MAC, "e1000e"): ENSLAVED,
    (PEER_MAC, "e1000e"): FAR[VF],
    (PF_MAC, "e1000e"): FAR[PRIMARY],
    (HYPERV_PF_MAC, "e1000e"): FAR[ENSLAVED],
}
_ELSEWHERE = "02:00:00:00:00:02"
_PROBE = 20
_PATIENCE_S, _PAUSE_S = 30.0, 0.1
_AT_ONCE, _BY_LOAD = 0, 3
"""What ethtool's rx-usecs means to the driver e1000e (e1000_set_coalesce()); the second is its default."""


@cache
def set_up() -> None:
    """Load the drivers, and name the devices; all but net_failover's are up. Once in a guest's life."""
    subprocess.run(["modprobe", "-a", "virtio_net", "e1000e"], check=True)
    found = {_NAMES[key]: nic for nic in nics() if (key := (nic.mac, nic.driver)) in _NAMES}
    if len(found) != len(_NAMES):
        raise LookupError(f"of {sorted(_NAMES.values())} there are {sorted(found)}")
    for nic in nics():  # the kernel may have given one the name of another
        sh(f"ip link set {nic.name} name nic{nic.ifindex}")
    for name, nic in found.items():
        sh(f"ip link set nic{nic.ifindex} name {name}")
    sh("ip link set eth0 up", f"ip link set {VF} up", f"ip link set {ENSLAVED} up", "ip netns add far")
    for far in FAR.values():
        sh(f"ip link set {far} netns far", f"ip netns exec far ethtool -K {far} tso off")


@contextmanager
def heard() -> Iterator[None]:
    """Have the VFs' frames received. Else no instruction is spent on what they send. Raises TimeoutError.

    Their interrupts come as soon as may be (QEMU: 7813 a second at most): what the driver makes of the load
    differs from round to round.
    """
    set_up()
    for vf, far in FAR.items():
        sh(f"ip -n far link set {far} up")
        _moderate(vf, far, _AT_ONCE)
    try:
        wait("both of `far` have a link", _all_have_a_link, patience_s=_PATIENCE_S, pause_s=_PAUSE_S)
        yield
    finally:
        for vf, far in FAR.items():
            _moderate(vf, far, _BY_LOAD)
            sh(f"ip -n far link set {far} down")


def _moderate(vf: str, far: str, rx_usecs: int) -> None:
    sh(f"ethtool -C {vf} rx-usecs {rx_usecs}", f"ip netns exec far ethtool -C {far} rx-usecs {rx_usecs}")


def _all_have_a_link() -> bool:
    return {nic.name for nic in call_in("far", nics) if nic.carrier} >= set(FAR.values())


def until_it_carries(vf: str, device: str) -> None:
    """Return once what is sent through the device leaves by the VF. Raises TimeoutError."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((device, 0))

        def carries() -> bool:
            before = sent(vf)
            for _ in range(_PROBE):
                with suppress(OSError):  # no link yet is no error: how long that may last is ours to say
                    link.send(live_frames.frame(_ELSEWHERE))
            return sent(vf) >= before + _PROBE

        wait(f"{device} sends through {vf}", carries, patience_s=_PATIENCE_S, pause_s=_PAUSE_S)


def sent(vf: str) -> int:
    """Return how many packets the device itself has sent."""
    return int(Path(f"/sys/class/net/{vf}/statistics/tx_packets").read_text())
