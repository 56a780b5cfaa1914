# SPDX-License-Identifier: GPL-2.0-only
"""Transmit queues that stay stopped while the device is up with carrier."""

from netvsc_bpf.lab.topology import Lab


def stick(lab: Lab, namespace: str, interface: str) -> None:
    """Let hardly anything out of an interface from now on: a byte a second, after the first 2,000.

    Its queue takes less than the send buffer of a socket, which would wait for what is stuck there.
    """
    queue = ["root", "tbf", "rate", "8bit", "burst", "2000", "limit", "10000"]
    lab.run(namespace, ["tc", "qdisc", "replace", "dev", interface, *queue])


def unstick(lab: Lab, namespace: str, interface: str) -> None:
    """Let everything out again. What waited is lost, as where a driver resets its device."""
    lab.run(namespace, ["tc", "qdisc", "del", "dev", interface, "root"])
