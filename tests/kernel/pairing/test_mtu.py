# SPDX-License-Identifier: GPL-2.0-only
"""The VF takes the synthetic NIC's MTU, or is not used."""

from collections.abc import Callable

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import Ended, state
from tests.kernel.machine import look, unchanged

LabFactory = Callable[..., Lab]
CliIn = Callable[..., Ended]

TOO_MUCH = "65535"
"""veth takes it, tap does not (65521)."""


def lab_with_tap(lab_factory: LabFactory) -> Lab:
    lab = lab_factory(LabPlan(vf=False, fabric=Fabric.NONE))
    lab.run(lab.guest, ["ip", "tuntap", "add", "vf0", "mode", "tap"])
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "address", lab.plan.pair(0).mac, "up"])
    lab.run(lab.guest, ["ip", "link", "set", "eth0", "mtu", TOO_MUCH])
    return lab


def test_s30_vf_that_refuses_the_mtu_is_not_used_and_says_why(lab_factory: LabFactory, cli_in: CliIn) -> None:
    lab = lab_with_tap(lab_factory)
    with unchanged(lab):
        pair = state(cli_in(lab.guest, "attach", "eth0", "--vf", "vf0", "--settle", "10", "--json"))
        assert (pair["path"], pair["reason"], pair["vf"]["interface"]) == ("synthetic", "mtu-refused", "vf0")
        assert state(cli_in(lab.guest, "status", "--json"))["reason"] == "mtu-refused"
        assert cli_in(lab.guest, "detach", "eth0").returncode == 0


def test_s30_vf_is_used_once_it_takes_the_mtu(lab_factory: LabFactory, cli_in: CliIn) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    lab.run(lab.guest, ["ip", "link", "set", "eth0", "mtu", "9000"])
    with unchanged(lab):
        pair = state(cli_in(lab.guest, "attach", "eth0", "--vf", "vf0", "--settle", "10", "--json"))
        assert (pair["path"], look(lab)["link vf0"]["mtu"]) == ("vf", 9000)
        assert cli_in(lab.guest, "detach", "eth0").returncode == 0


def test_s30_mtu_that_becomes_acceptable_is_accepted(lab_factory: LabFactory, cli_in: CliIn) -> None:
    lab = lab_with_tap(lab_factory)
    attach = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
    assert state(cli_in(lab.guest, *attach))["reason"] == "mtu-refused"
    lab.run(lab.guest, ["ip", "link", "set", "eth0", "mtu", "1500"])
    assert state(cli_in(lab.guest, *attach))["reason"] == "no-carrier"  # the tap is not open
