# SPDX-License-Identifier: GPL-2.0-only
"""Transmitting with the kernel's packet generator (Documentation/networking/pktgen.rst).

`xmit_mode queue_xmit` hands each packet to dev_queue_xmit(), as the protocols do, so that tc egress and the
device's qdisc are on its way. `flag !SHARED` (since Linux 6.7) has the driver free the packet as sent.
Without it, pktgen keeps a reference and frees it with kfree_skb(), which counts as a drop: a program that
traces drops, as netvsc-bpf's does, then runs for each packet.
"""

import re
from pathlib import Path

_PROC = Path("/proc/net/pktgen")


def transmit(device: str, packets: int) -> float:
    """Return ns for one packet of 64 bytes. Raises RuntimeError where it sent fewer."""
    _tell("kpktgend_0", "rem_device_all", f"add_device {device}")
    _tell(device, f"count {packets}", "clone_skb 0", "pkt_size 64", "delay 0", "xmit_mode queue_xmit")
    _tell(device, "flag !SHARED")
    _tell(device, "dst 10.99.0.2", "dst_mac 02:00:00:00:00:01")
    _tell("pgctrl", "start")
    result = (_PROC / device).read_text()
    took = re.search(r"Result: OK: (\d+)\(", result)
    sent = re.search(r"pkts-sofar: (\d+)\s+errors: (\d+)", result)
    _tell("kpktgend_0", "rem_device_all")
    if took is None or sent is None or (int(sent[1]), int(sent[2])) != (packets, 0):
        raise RuntimeError(f"pktgen on {device}: {result}")
    return 1e3 * int(took[1]) / packets


def _tell(file: str, *commands: str) -> None:
    for command in commands:
        (_PROC / file).write_text(command + "\n")
