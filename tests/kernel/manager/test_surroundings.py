# SPDX-License-Identifier: GPL-2.0-only
"""What the manager stands on goes away for a while: bpffs, its VF's namespace."""

from collections.abc import Callable

from netvsc_bpf.lab.sandbox import BPFFS
from netvsc_bpf.lab.syscalls import Mount, mount, unmount
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.mounts import READ_ONLY_SYSCTLS

Start = Callable[..., Manager]


def test_s67_bpffs_out_of_sight_is_reported_once_and_survived(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--interval", "0.5")
    manager.wait_event("switched", "armed")
    # Not unmounted: what lies below it is the machine's own.
    mount("none", str(BPFFS), "tmpfs", Mount.NOSUID)
    try:
        manager.wait_event("failed", "no bpffs is mounted there")
        ip(lab, "link", "set", "eth0", "promisc", "on")
        ip(lab, "link", "set", "eth0", "promisc", "off")
    finally:
        unmount(str(BPFFS))
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    manager.wait_event("followed", "MTU 1400")
    manager.wait_vf()
    assert not manager.events_of("repaired") and len(manager.events_of("attached")) == 1


def test_s57_vf_that_leaves_the_namespace_and_comes_back(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "vf0", "netns", lab.peer)
    manager.wait_event("left")
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    lab.run(lab.peer, ["ip", "link", "set", "vf0", "netns", lab.guest])
    manager.wait_vf()


def test_s88_manager_without_sysctls_reports_it_once_and_uses_the_vf(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", wrapped_in=READ_ONLY_SYSCTLS)
    manager.wait_vf()
    lab.unplug_vf()
    manager.wait_path(Path.SYNTHETIC)
    lab.plug_vf()
    manager.wait_vf()
    assert len(manager.events_of("refused", "vf0 keeps IPv6")) == 1
    assert manager.events_of("failed") == []
