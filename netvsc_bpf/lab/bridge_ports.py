# SPDX-License-Identifier: GPL-2.0-only
"""Waiting until switch ports forward, by their state in the kernel."""

import time
from typing import Any

from netvsc_bpf.lab.wiring import with_rtnl
from netvsc_bpf.model.errors import NetvscBpfError

_FORWARDING = 3
"""BR_STATE_FORWARDING of <linux/if_bridge.h>."""


def wait_for_ports(fabric: str, timeout_s: float = 10.0) -> None:
    """Return once every port of the fabric's switches forwards.

    Raises:
        NetvscBpfError: a port does not forward within ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s

    def wait(rtnl: Any) -> None:
        while closed := _closed_ports(rtnl):
            if time.monotonic() > deadline:
                raise NetvscBpfError("wait for the fabric", f"ports {', '.join(closed)} do not forward")
            time.sleep(0.002)

    with_rtnl(fabric, wait)


def _closed_ports(rtnl: Any) -> list[str]:
    closed = []
    for link in rtnl.get_links():
        slave = link.get_nested("IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA")
        if slave is not None and slave.get_attr("IFLA_BRPORT_STATE") != _FORWARDING:
            closed.append(str(link.get_attr("IFLA_IFNAME")))
    return closed
