# SPDX-License-Identifier: GPL-2.0-only
"""A synthetic NIC, or its whole network namespace, is deleted where it was moved to."""

from collections.abc import Callable

from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.claims import pins_but_claims
from tests.kernel.support.manager import Manager, ip, tap
from tests.kernel.support.moves import failures, found, ports, start_followed, unused
from tests.kernel.support.pod import Pod
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]


def test_s26_synthetic_nic_removed_there_and_its_vf_is_back_home(lab: Lab, pod: Pod, start: Start) -> None:
    before = found(lab)
    manager = start_followed(lab, pod, start)
    pod.ip("link", "del", "eth0")
    manager.wait_event("released")
    eventually("back", lambda: unused(lab, pod))
    eventually("as found", lambda: found(lab) == before)
    tap(lab, "eth0")
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()


def test_s57_namespace_deleted_and_nothing_of_it_is_left(lab: Lab, pod: Pod, start: Start) -> None:
    manager = start_followed(lab, pod, start)
    pod.remove()
    # The kernel destroys it only when the last reference is gone; its veths go with it, and their other ends.
    eventually("it is gone", lambda: not {"syn0", "vf0"} & ports(lab))
    manager.wait_event("released", "is gone")
    eventually("no pin left", lambda: not pins_but_claims())
    assert manager.process.poll() is None and not failures(manager) and not manager.noise
    # And the manager is ready for the next NIC of that name.
    tap(lab, "eth0")
    tap(lab, "vf9")
    for name in ("eth0", "vf9"):
        ip(lab, "link", "set", name, "up")
    manager.wait_event("joined", "vf9")
