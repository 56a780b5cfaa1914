# SPDX-License-Identifier: GPL-2.0-only
"""A VF that cannot or may not follow its synthetic NIC: the pair is released, or stays synthetic."""

from collections.abc import Callable

from netvsc_bpf import datapath
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import Manager, ip, nic
from tests.kernel.support.moves import failures, flows, found
from tests.kernel.support.pod import Pod
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]


def test_s55_move_that_is_refused_leaves_the_synthetic_path_and_is_tried_again(
    lab: Lab, pod: Pod, start: Start
) -> None:
    # An alternative name that is taken there refuses the move, and no other name for the NIC helps.
    ip(lab, "link", "property", "add", "dev", "vf0", "altname", "enP31819p0s2")
    pod.ip("link", "add", "br0", "type", "bridge")
    pod.ip("link", "property", "add", "dev", "br0", "altname", "enP31819p0s2")
    before = found(lab)
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    manager.wait_event("failed", f"cannot move vf0 to {pod.name}")
    pod.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    flows(pod.sending())
    assert found(lab) == before
    assert len(failures(manager)) == 1
    pod.ip("link", "del", "br0")
    pod.wait_path(Path.VF)


def test_s55_without_the_capability_the_pair_is_released_and_that_is_reported(
    lab: Lab, pod: Pod, start: Start
) -> None:
    before = found(lab)
    less = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    manager = start(lab, "eth0", wrapped_in=less)
    manager.wait_vf()
    pod.take()
    manager.wait_event("failed", "CAP_SYS_ADMIN is missing")
    manager.wait_event("released")
    assert found(lab) == before and pod.statuses() == []
    flows(pod.sending())
    lab.run(pod.name, ["ip", "link", "set", "eth0", "netns", lab.guest])
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()


def test_s55_namespace_with_a_manager_of_its_own_is_left_to_it(lab: Lab, pod: Pod, start: Start) -> None:
    before = found(lab)
    manager = start(lab)
    manager.wait_vf()
    other = start(lab, "eth7", namespace=pod.name)
    other.wait_event("awaited")
    pod.take()
    manager.wait_event("moved", f"process {other.process.pid} manages it there")
    manager.wait_event("released")
    assert found(lab) == before and pod.statuses() == []
    flows(pod.sending())


def test_s55_pair_attached_there_by_another_process_is_not_touched(lab: Lab, pod: Pod, start: Start) -> None:
    mac = "00:15:5d:77:77:77"
    for name in ("own0", "own1"):
        pod.ip("link", "add", name, "address", mac, "type", "veth", "peer", "name", f"{name}far")
    options = datapath.AttachOptions(vf="own1")
    pod.inside(datapath.attach, "own0", options)
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    eventually("both", lambda: {one.path for one in pod.statuses()} == {Path.VF, Path.SYNTHETIC})
    pod.ip("link", "set", "own0", "mtu", "1300")
    pod.ip("link", "set", "eth0", "mtu", "1300")
    manager.wait_event("followed", "vf0 has MTU 1300")
    own1 = pod.nic("own1")
    assert own1 is not None and own1.mtu == 1500
    manager.stop()
    pod.inside(datapath.detach, "eth0")
    (left,) = pod.statuses()
    assert left.synthetic.name == "own0" and nic(lab, "vf0") is not None
