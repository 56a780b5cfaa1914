# SPDX-License-Identifier: GPL-2.0-only
"""The VF has what the synthetic NIC has, or is not used."""

from collections.abc import Callable
from pathlib import Path as FilePath

from netvsc_bpf import datapath
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import Manager, ip, nic, tap
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]
TOO_MUCH = 65535
"""veth takes it, tap does not (65521)."""
OTHER = "00:15:5d:0a:0b:0c"


def setting(lab: Lab, interface: str, name: str) -> object:
    found = nic(lab, interface)
    return None if found is None else getattr(found, name)


def becomes(lab: Lab, interface: str, name: str, value: object) -> None:
    eventually(f"{name} of {interface} is {value}", lambda: setting(lab, interface, name) == value)


def test_s24_vf_goes_down_and_up_with_the_synthetic_nic(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    lab.set_link(lab.guest, "eth0", False)
    becomes(lab, "vf0", "up", False)
    assert manager.where == (Path.SYNTHETIC, Reason.SYNTHETIC_DOWN)
    lab.set_link(lab.guest, "eth0", True)
    becomes(lab, "vf0", "up", True)
    manager.wait_vf()
    assert not manager.events_of("switched", "vf-down"), "it did not fail"


def test_s25_vf_brought_up_under_a_synthetic_nic_that_is_down_stays_unused(lab: Lab, start: Start) -> None:
    lab.set_link(lab.guest, "eth0", False)
    manager = start(lab)
    becomes(lab, "vf0", "up", False)
    lab.vf_up()
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    manager.wait_event("followed", "1400")  # it has looked since
    assert manager.where == (Path.SYNTHETIC, Reason.SYNTHETIC_DOWN)


def test_s29_mtu_of_both(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    becomes(lab, "vf0", "mtu", 1400)
    manager.wait_vf()


def test_s29_mtu_of_neither(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory(LabPlan(vf=False))
    tap(lab, "vf0")
    manager = start(lab)
    manager.wait_event("permitted")
    ip(lab, "link", "set", "eth0", "mtu", str(TOO_MUCH))
    manager.wait_event("refused", "eth0 has 1500 again")
    assert (setting(lab, "eth0", "mtu"), setting(lab, "vf0", "mtu")) == (1500, 1500)
    manager.wait_event("permitted", times=2)


def test_s30_vf_that_refuses_the_mtu_is_not_used_and_said_why(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory(LabPlan(vf=False))
    ip(lab, "link", "set", "eth0", "mtu", str(TOO_MUCH))
    manager = start(lab)
    manager.wait_event("attached")
    tap(lab, "vf0")
    manager.wait_event("refused", f"vf0 refuses MTU {TOO_MUCH}")
    assert manager.where == (Path.SYNTHETIC, Reason.MTU_REFUSED)
    ip(lab, "link", "set", "eth0", "mtu", "1500")
    manager.wait_event("permitted")
    assert len(manager.events_of("refused")) == 1, "it was asked once"


def test_s31_mtu_changed_on_the_vf_alone_is_repaired(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "vf0", "mtu", "1300")
    manager.wait_event("repaired", "MTU 1500 again")
    assert setting(lab, "vf0", "mtu") == 1500
    manager.wait_vf()


def modes(lab: Lab) -> list[str]:
    """The receive modes of the VF that are on."""
    shown = lab.run(lab.guest, ["ip", "link", "show", "vf0"]).stdout
    return [flag for flag in ("PROMISC", "ALLMULTI") if f",{flag}" in shown]


def test_s32_promisc_and_allmulti(lab: Lab, start: Start, tmp_path: FilePath) -> None:
    config = tmp_path / "filtering.toml"
    config.write_text("[attach]\nany_bus = true\nall_multicast = false\n")
    manager = start(lab, "eth0", "--config", str(config))
    manager.wait_vf()
    assert modes(lab) == []
    ip(lab, "link", "set", "eth0", "promisc", "on")
    eventually("promisc", lambda: modes(lab) == ["PROMISC"])
    if setting(lab, "eth0", "allmulti") is not None:
        ip(lab, "link", "set", "eth0", "allmulticast", "on")
        ip(lab, "link", "set", "eth0", "promisc", "off")
        manager.wait_event("followed", "vf0 has allmulti")
        ip(lab, "link", "set", "eth0", "allmulticast", "off")
    else:
        ip(lab, "link", "set", "eth0", "promisc", "off")
    eventually("none", lambda: modes(lab) == [])
    assert manager.where == (Path.VF, Reason.ARMED)


def test_s32_vf_receives_all_multicast_whatever_the_synthetic_nic_does(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    assert modes(lab) == ["ALLMULTI"]
    ip(lab, "link", "set", "eth0", "promisc", "on")
    eventually("promisc", lambda: modes(lab) == ["PROMISC", "ALLMULTI"])
    ip(lab, "link", "set", "eth0", "promisc", "off")
    eventually("not promisc", lambda: modes(lab) == ["ALLMULTI"])
    manager.stop()
    lab.in_guest(datapath.detach_all)
    assert modes(lab) == []


def test_s32_promisc_is_taken_back_when_the_vf_is_released(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "eth0", "promisc", "on")
    becomes(lab, "vf0", "promiscuity", 1)
    ip(lab, "link", "del", "eth0")
    manager.wait_event("released")
    assert setting(lab, "vf0", "promiscuity") == 0


def test_s35_mac_follows(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "eth0", "address", OTHER)
    becomes(lab, "vf0", "mac", OTHER)
    manager.wait_vf()
    assert not manager.events_of("left")


def test_s36_mac_changed_on_the_vf_alone_unpairs_and_is_reported(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "vf0", "address", OTHER)
    manager.wait_event("refused", f"its MAC is now {OTHER}")
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    assert setting(lab, "vf0", "mac") == OTHER, "it is somebody's will"
    ip(lab, "link", "set", "vf0", "address", lab.plan.pair(0).mac)
    manager.wait_vf()
