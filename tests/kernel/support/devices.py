# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel itself says of the lab's interfaces, to compare the data path's own word with."""

import json
from typing import Any

from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab

NO_FABRIC = LabPlan(fabric=Fabric.NONE)
"""The far ends lead nowhere: nothing comes back that was not put there."""


def silence(lab: Lab) -> None:
    """Keep the guest from saying anything of its own accord, so that every packet is one of the test's."""
    lab.in_guest(wiring.write_sysctl, "ipv6/conf/all/disable_ipv6", 1)


def link(lab: Lab, namespace: str, interface: str) -> dict[str, Any]:
    """One interface as `ip -s -d link` shows it."""
    shown = lab.run(namespace, ["ip", "-j", "-s", "-d", "addr", "show", "dev", interface]).stdout
    found: dict[str, Any] = json.loads(shown)[0]
    return found


def transmitted(lab: Lab, namespace: str, interface: str) -> int:
    """Packets that the driver of an interface has sent."""
    return int(link(lab, namespace, interface)["stats64"]["tx"]["packets"])


def received(lab: Lab, namespace: str, interface: str) -> int:
    """Packets that the driver of an interface has received."""
    return int(link(lab, namespace, interface)["stats64"]["rx"]["packets"])
