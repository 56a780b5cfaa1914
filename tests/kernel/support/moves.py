# SPDX-License-Identifier: GPL-2.0-only
"""What has to hold after a NIC was moved to another network namespace."""

from collections.abc import Callable

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from netvsc_bpf.model.path import Path
from tests.kernel.support.manager import Manager, nic
from tests.kernel.support.pod import Pod
from tests.kernel.support.waiting import eventually

AS_FOUND = ("name", "mac", "mtu", "up", "promiscuity", "addr_gen_mode", "ipv6_disabled")


def start_followed(lab: Lab, pod: Pod, start: Callable[..., Manager]) -> Manager:
    """Start a manager and move the synthetic NIC; return once its VF has followed and is used there."""
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    return manager


def flows(plan: UdpPlan, packets: int = 200) -> None:
    with UdpStream(plan) as stream:
        before = stream.received
        eventually("traffic", lambda: stream.received > before + packets)


def found(lab: Lab, name: str = "vf0") -> list[object]:
    """What has to be as it was found."""
    vf = nic(lab, name)
    assert vf is not None
    return [getattr(vf, setting) for setting in AS_FOUND]


def failures(manager: Manager) -> list[str]:
    """What failed of a pair; on a slow machine the manager may report that the compiler takes long."""
    return [event["text"] for event in manager.events_of("failed") if event["interface"] != "manager"]


def unused(lab: Lab, pod: Pod) -> bool:
    """The VF is back home, and nothing is attached anywhere."""
    return nic(lab, "vf0") is not None and pod.statuses() == [] and not pod.pins.home.exists()


def ports(lab: Lab) -> set[str]:
    """The interfaces of the fabric: the far ends of the guest's NICs, wherever those are."""
    listed = lab.run(lab.fabric, ["ip", "-o", "link"]).stdout
    return {line.split(": ")[1].partition("@")[0] for line in listed.splitlines()}
