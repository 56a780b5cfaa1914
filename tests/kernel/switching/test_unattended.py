# SPDX-License-Identifier: GPL-2.0-only
"""The kernel on its own: no process of netvsc-bpf runs while the VF goes and returns."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Any

import pytest

from netvsc_bpf.lab.namespace import namespace_path
from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.devices import received
from tests.kernel.support.waiting import eventually

PORT = 9


def processes_in(namespace: str) -> list[str]:
    """The command lines of all processes that live in a network namespace."""
    inode = namespace_path(namespace).stat().st_ino
    found = []
    for process in File("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/net").stat().st_ino == inode:
                found.append((process / "cmdline").read_text())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


class Traffic:
    """Datagrams from the guest, sent by this process; the fabric's interfaces alone say where they went."""

    def __init__(self, lab: Lab, sender: socket.socket) -> None:
        self._lab = lab
        self._sender = sender

    def goes_by(self, port: str) -> bool:
        """Send some, and return whether all of them arrived on this port of the fabric."""
        before = {name: received(self._lab, self._lab.fabric, name) for name in ("syn0", "vf0")}
        for _ in range(20):
            self._sender.sendto(b"here", ("10.99.0.2", PORT))
        after = {name: received(self._lab, self._lab.fabric, name) for name in before}
        return after[port] - before[port] >= 20 and all(
            after[name] == before[name] for name in before if name != port
        )


@pytest.fixture
def traffic(lab: Lab) -> Iterator[Traffic]:
    with lab.in_guest(socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as sender:
        lab.run(lab.guest, ["ping", "-c", "1", "-W", "20", "10.99.0.2"])  # the neighbour is found
        yield Traffic(lab, sender)


@pytest.mark.parametrize(
    ("fail", "mend"),
    [(Lab.vf_down, Lab.vf_up), (lambda lab: lab.vf_carrier(False), lambda lab: lab.vf_carrier(True))],
    ids=["down", "carrier"],
)
def test_s71_vf_that_flaps_is_left_and_used_again_with_no_process_alive(
    lab: Lab,
    netvsc_bpf_cli: Callable[..., Any],
    traffic: Traffic,
    fail: Callable[[Lab], None],
    mend: Callable[[Lab], None],
) -> None:
    answer = netvsc_bpf_cli("attach", "eth0", "--vf", "vf0", "--settle", "50")
    assert answer.returncode == 0, answer.stderr
    assert processes_in(lab.guest) == [], "attach has ended, and no other process is left"

    assert traffic.goes_by("vf0")
    for _ in range(3):
        fail(lab)
        eventually("the first packet after it goes by the synthetic path", lambda: traffic.goes_by("syn0"))
        mend(lab)
        eventually("the VF is used again", lambda: traffic.goes_by("vf0"))
    assert processes_in(lab.guest) == []
