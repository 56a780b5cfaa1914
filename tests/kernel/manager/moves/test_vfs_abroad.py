# SPDX-License-Identifier: GPL-2.0-only
"""VFs that are added or taken away while their synthetic NIC is in another network namespace."""

from collections.abc import Callable

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.moves import failures, flows, ports
from tests.kernel.support.pod import Pod
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]
MakePod = Callable[[], Pod]


def test_s56_vf_that_is_added_at_home_is_moved_there_and_used(lab: Lab, pod: Pod, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "100")
    manager.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    for round_ in range(2):
        with UdpStream(pod.sending()) as stream:
            lab.unplug_vf()
            pod.wait_path(Path.SYNTHETIC, Reason.NO_VF)
            received = stream.received
            eventually("traffic", lambda received=received, of=stream: of.received > received + 50)
        lab.plug_vf(up=False)
        manager.wait_event("moved", "vf0 follows it", times=round_ + 2)
        pod.wait_path(Path.VF)
    flows(pod.sending())
    flows(pod.receiving())


def test_s57_vf_that_is_moved_away_externally_is_released_and_not_followed(
    lab: Lab, make_pod: MakePod, start: Start
) -> None:
    pod, elsewhere = make_pod(), make_pod()
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "vf0", "netns", elsewhere.name)
    manager.wait_event("left", "vf-gone")
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    # A VF that vanishes with a namespace.
    elsewhere.remove()
    eventually("it is gone", lambda: "vf0" not in ports(lab))
    lab.plug_vf(up=False)
    manager.wait_vf()
    # The same where the pair is abroad.
    pod.take()
    pod.wait_path(Path.VF)
    third = make_pod()
    pod.ip("link", "set", "vf0", "netns", third.name)
    manager.wait_event("left", "vf-gone", times=2)
    pod.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    flows(pod.sending())
    vf = third.nic("vf0")
    assert vf is not None and not failures(manager)
