# SPDX-License-Identifier: GPL-2.0-only
"""What a user may get wrong: each with its exit status, one line that helps, and nothing changed."""

import os
from collections.abc import Callable

import pytest

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import Ended, refused, state
from tests.kernel.machine import look, unchanged
from tests.kernel.programs import XDP, counting_program

LabFactory = Callable[..., Lab]
CliIn = Callable[..., Ended]


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["attach", "nosuch0"], "nosuch0: no such interface"),
        (["attach", "eth0", "--vf", "nosuch0"], "nosuch0: no such interface"),
        (["attach", "eth0", "--vf", "eth0"], "a NIC cannot be its own VF"),
        (["attach", "lo"], "it is the loopback interface"),
        (["attach", "eth0", "--vf", "lo"], "it is the loopback interface"),
        (["attach", "eth0", "--vf", "vf0", "--rx", "kernel"], "--rx auto"),
        (["attach", "--all"], "no synthetic NIC was found"),
        (["detach", "nosuch0"], "there is no such interface"),
        (["detach", "eth0"], "it is not attached"),
        (["status", "nosuch0"], "there is no such interface"),
        (["status", "eth0"], "it is not attached"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_request_that_makes_no_sense_is_refused(
    lab: Lab, cli_in: CliIn, arguments: list[str], said: str
) -> None:
    with unchanged(lab):
        refused(cli_in(lab.guest, *arguments), 3, said)


def test_unknown_network_namespace_is_refused(cli_in: CliIn) -> None:
    refused(cli_in("nosuch", "attach", "eth0"), 3, "cannot enter network namespace nosuch", "ip netns list")


def test_vf_with_another_mac_is_refused_with_the_remedy(lab: Lab, cli_in: CliIn) -> None:
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "address", "02:00:00:00:00:01"])
    with unchanged(lab):
        result = cli_in(lab.guest, "attach", "eth0", "--vf", "vf0")
        refused(result, 3, "its MAC is 02:00:00:00:00:01", "ip link set dev vf0 address 00:15:5d:01:02:03")


def test_s63_foreign_xdp_program_is_never_replaced(lab: Lab, cli_in: CliIn) -> None:
    with counting_program(XDP) as program:
        link = lab.in_guest(libbpf.link_create, program.fd, lab.ifindex(lab.guest, "eth0"), libbpf.XDP)
        try:
            with unchanged(lab):
                result = cli_in(lab.guest, "attach", "eth0", "--vf", "vf0")
                refused(result, 3, "another XDP program is attached", "--guard off")
                assert look(lab)["link eth0"]["xdp"]["prog"]["id"] == program.id
                arguments = ["attach", "eth0", "--vf", "vf0", "--guard", "off", "--settle", "10", "--json"]
                assert state(cli_in(lab.guest, *arguments))["path"] == "vf"
                assert cli_in(lab.guest, "detach", "eth0").returncode == 0
        finally:
            os.close(link)


def test_pairs_that_would_lead_into_each_other_are_refused(lab: Lab, cli_in: CliIn) -> None:
    attach = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
    assert state(cli_in(lab.guest, *attach))["path"] == "vf"
    with unchanged(lab):
        refused(cli_in(lab.guest, "attach", "vf0", "--vf", "eth0"), 3, "it is the VF of another pair")


def test_other_rung_than_the_one_in_use_is_refused(lab: Lab, cli_in: CliIn) -> None:
    attach = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
    assert state(cli_in(lab.guest, *attach))["liveness"] != "netlink"
    with unchanged(lab):
        refused(cli_in(lab.guest, *attach, "--liveness", "netlink"), 3, "run `netvsc-bpf detach --all` first")
