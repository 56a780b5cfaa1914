# SPDX-License-Identifier: GPL-2.0-only
"""What detach leaves behind: nothing, and everything else as it was found."""

from collections.abc import Callable

import pytest

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.direct import direct, force_clsact
from tests.kernel.machine import assert_as, eventually, look, unchanged

LabFactory = Callable[..., Lab]
Prepare = Callable[[Lab], None]


def ip(*commands: str) -> Prepare:
    """Run `ip` with each of the command lines."""

    def prepare(lab: Lab) -> None:
        for command in commands:
            lab.run(lab.guest, ["ip", *command.split()])

    return prepare


def with_link_local(lab: Lab) -> None:
    lab.unplug_vf()
    lab.plug_vf(link_local=True)
    eventually("a link-local address", lambda: look(lab)["addresses vf0"] != [])


@pytest.mark.parametrize(
    "prepare",
    [
        with_link_local,
        ip("link set vf0 down", "link set vf0 mtu 9000", "link set vf0 addrgenmode random"),
        # Too small for IPv6: the kernel takes the VF's IPv6 settings away, and makes new ones in between.
        ip("link set vf0 mtu 1000"),
        ip("link set vf0 gso_max_size 30000 gso_max_segs 100", "addr add 192.0.2.1/24 dev vf0"),
        ip("link set eth0 gso_max_size 20000 gso_max_segs 50", "link set eth0 mtu 9000"),
        ip("link set eth0 mtu 1000", "link set vf0 addrgenmode none"),
        ip("link set eth0 down"),
    ],
    ids=[
        *("link-local", "vf-down-mtu-gen-mode", "vf-mtu-1000", "vf-gso-address", "eth0-gso-mtu"),
        *("eth0-mtu-1000", "eth0-down"),
    ],
)
def test_s28_detach_leaves_the_machine_as_found(lab_factory: LabFactory, prepare: Prepare) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    prepare(lab)
    with direct(lab) as here, unchanged(lab) as before:
        here.attach()
        attached = look(lab)
        assert attached != before
        assert [one for one in attached["addresses vf0"] if one["family"] == "inet6"] == []
        here.detach()


def test_s28_configured_ipv6_address_on_the_vf_survives(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    ip("addr add 2001:db8::1/64 dev vf0 nodad")(lab)
    with direct(lab) as here, unchanged(lab) as before:
        here.attach()
        assert look(lab)["addresses vf0"] == before["addresses vf0"]
        here.detach()


def test_s28_command_leaves_nothing_behind(lab: Lab, netvsc_bpf_cli: Callable[..., object]) -> None:
    with_link_local(lab)
    with unchanged(lab):
        netvsc_bpf_cli("attach", "eth0", "--vf", "vf0")
        assert look(lab)["addresses vf0"] == []
        netvsc_bpf_cli("detach", "eth0")


def test_s28_detach_on_clsact_leaves_the_machine_as_found(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    force_clsact(monkeypatch)
    with direct(lab) as here, unchanged(lab):
        assert here.attach().status.hook == "clsact"
        here.detach()


def test_s28_attaching_twice_keeps_the_original_settings(lab: Lab) -> None:
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "mtu", "1400"])
    with direct(lab) as here, unchanged(lab):
        here.attach()
        attached = look(lab)
        here.attach()
        assert_as(attached, lab)
        here.detach()


def test_s28_vf_that_vanished_meanwhile_is_no_obstacle(lab: Lab) -> None:
    with direct(lab) as here:
        here.attach()
        lab.unplug_vf()
        here.detach()
        assert [part for part in look(lab) if part.startswith("pin") or "vf0" in part] == []


def test_s28_one_pair_of_two_is_detached_alone(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=2))
    with direct(lab) as here, unchanged(lab):
        here.attach("eth1")
        with unchanged(lab):
            here.attach("eth0")
            here.detach("eth0")
        assert here.status("eth1").path == "vf"
        here.detach("eth1")
