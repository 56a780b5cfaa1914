# SPDX-License-Identifier: GPL-2.0-only
"""The ways of using two NICs as one, each set up as documented, on the same two devices.

`eth0` is the synthetic NIC, `vf0` the VF. An arrangement is made at the begin of a with block and gone at its
end; it yields the device that packets are handed to.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from bench.command import COMMAND
from bench.guest.shell import sh
from bench.waiting import wait
from tests.vm.devices import STANDBY_MAC, SYNTHETIC_MAC
from tests.vm.sriov import nics

MAC = SYNTHETIC_MAC
Arrangement = Callable[[], AbstractContextManager[str]]


@contextmanager
def bare(vf: str = "vf0") -> Iterator[str]:
    """The VF by itself: what every other one is measured against."""
    yield vf


@contextmanager
def ours(device: str = "eth0", vf: str = "vf0") -> Iterator[str]:
    """netvsc-bpf, attached as a user does it."""
    sh(f"{COMMAND} attach {device} --vf {vf} --settle 10 --guard off")
    try:
        yield device
    finally:
        sh(f"{COMMAND} detach {device}")


@contextmanager
def bonding(options: str = "miimon 100") -> Iterator[str]:
    """Documentation/networking/bonding.rst, active-backup; miimon=100 is what its users set."""
    with _enslaved():
        sh(f"ip link add bond0 address {MAC} type bond mode active-backup {options}")
        try:
            for slave in ("vf0", "eth0"):
                sh(f"ip link set {slave} down", f"ip link set {slave} master bond0")
            sh("ip link set bond0 up")
            if "primary" not in options:
                sh("ip link set bond0 type bond active_slave vf0")
            yield "bond0"
        finally:
            sh("ip link del bond0")


@contextmanager
def team() -> Iterator[str]:
    """teamd.conf(5), runner activebackup, the VF with the higher priority."""
    ports = {"vf0": {"prio": 100}, "eth0": {"prio": -10}}
    config = {
        "device": "team0",
        "hwaddr": MAC,
        "runner": {"name": "activebackup"},
        "link_watch": {"name": "ethtool"},
        "ports": ports,
    }
    with _enslaved():
        sh("ip link set vf0 down", "ip link set eth0 down")
        daemon = subprocess.Popen(["teamd", "-c", json.dumps(config)], stdin=subprocess.DEVNULL)
        try:
            _until_active("team0", "vf0")
            sh("ip link set team0 up")
            yield "team0"
        finally:
            daemon.terminate()
            daemon.wait()


def add_mirred_rules() -> None:
    """Make the rules of mirred; they name their targets by ifindex."""
    for device, hook, target in (
        ("eth0", "egress", "egress redirect dev vf0"),
        ("vf0", "ingress", "ingress redirect dev eth0"),
    ):
        sh(
            f"tc qdisc add dev {device} clsact",
            f"tc filter add dev {device} {hook} matchall action mirred {target}",
        )


@contextmanager
def mirred() -> Iterator[str]:
    """tc-mirred(8): what a script with tc rules does, both ways."""
    try:
        add_mirred_rules()
        yield "eth0"
    finally:
        for device in ("eth0", "vf0"):
            sh(f"tc qdisc del dev {device} clsact")


@contextmanager
def net_failover() -> Iterator[str]:
    """Documentation/networking/net_failover.rst: it needs no set-up.

    The driver of a virtio NIC with VIRTIO_NET_F_STANDBY has taken in whatever PCI device has the same MAC.
    """
    device, _ = net_failover_devices()
    sh(f"ip link set {device} up")
    try:
        yield device
    finally:
        sh(f"ip link set {device} down")


def net_failover_devices() -> tuple[str, str]:
    """Return the names of the device that net_failover made, and of its standby."""
    found = nics()
    standby = next(
        nic for nic in found if nic.mac == STANDBY_MAC and nic.driver == "virtio_net" and nic.master
    )
    return next(nic.name for nic in found if nic.ifindex == standby.master), standby.name


def _until_active(device: str, port: str) -> None:
    """Wait until the daemon has made its device and chosen the port."""
    state = ["teamdctl", device, "state", "item", "get", "runner.active_port"]

    def chosen() -> bool:
        return subprocess.run(state, text=True, capture_output=True).stdout.strip() == port

    wait(f"{device} uses {port}", chosen, patience_s=10.0, pause_s=0.1)


@contextmanager
def _enslaved() -> Iterator[None]:
    """Give both devices back as they were: up, with their MAC."""
    try:
        yield
    finally:
        for device in ("vf0", "eth0"):
            sh(
                f"ip link set {device} down",
                f"ip link set {device} address {MAC}",
                f"ip link set {device} up",
            )


ALL: dict[str, Arrangement] = {
    "bare VF": bare,
    "netvsc-bpf": ours,
    "bonding": bonding,
    "team": team,
    "mirred": mirred,
}
ALL_OF_PCI: dict[str, Arrangement] = {
    **ALL,
    "bonding": partial(bonding, "miimon 100 primary vf0"),
    "net_failover": net_failover,
}
"""The same around devices whose link takes its time to come, and one that takes PCI devices alone."""
