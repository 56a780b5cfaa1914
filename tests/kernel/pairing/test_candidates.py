# SPDX-License-Identifier: GPL-2.0-only
"""Which NIC attach takes as the VF, which it never takes, and what it says of the others."""

from collections.abc import Callable

import pytest

from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import Ended, refused, state
from tests.kernel.machine import pins, unchanged

Cli = Callable[..., Ended]
MAC = "00:15:5d:01:02:03"


def second_vf(lab: Lab, name: str = "vf1") -> None:
    lab.run(lab.guest, ["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}peer"])
    lab.run(lab.guest, ["ip", "link", "set", name, "address", MAC])
    lab.run(lab.guest, ["ip", "link", "set", f"{name}peer", "up"])
    lab.run(lab.guest, ["ip", "link", "set", name, "up"])


def test_s02_vf_that_was_there_before_is_adopted(netvsc_bpf_cli: Cli) -> None:
    pair = state(netvsc_bpf_cli("attach", "eth0", "--any-bus", "--json"))
    assert (pair["path"], pair["reason"], pair["vf"]["interface"]) == ("vf", "armed", "vf0")


def test_s04_two_candidates_are_refused_by_name(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    second_vf(lab)
    with unchanged(lab):
        refused(netvsc_bpf_cli("attach", "eth0", "--any-bus"), 3, "vf0", "vf1", "--vf")


def test_s04_naming_one_of_two_decides(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    second_vf(lab)
    with unchanged(lab):
        result = netvsc_bpf_cli("attach", "eth0", "--vf", "vf1", "--any-bus", "--settle", "10", "--json")
        assert state(result)["vf"]["interface"] == "vf1"
        assert result.stderr.splitlines() == [
            "netvsc-bpf: vf0 is not used: it is a second VF, vf1 is the one in use"
        ]
        netvsc_bpf_cli("detach", "eth0")


@pytest.mark.parametrize(
    "kind", [["bridge"], ["macvlan", "mode", "bridge"], ["macvlan", "mode", "passthru"]], ids=" ".join
)
def test_s05_stacked_interface_is_never_adopted(lab: Lab, netvsc_bpf_cli: Cli, kind: list[str]) -> None:
    lab.unplug_vf()
    link = [] if kind == ["bridge"] else ["link", "eth0"]
    lab.run(lab.guest, ["ip", "link", "add", *link, "name", "vf0", "address", MAC, "type", *kind])
    with unchanged(lab):
        refused(netvsc_bpf_cli("attach", "eth0", "--vf", "vf0"), 3, f"it is a {kind[0]} interface")
    pair = state(netvsc_bpf_cli("attach", "eth0", "--any-bus", "--json"))
    assert (pair["path"], pair["reason"], pair["vf"]) == ("synthetic", "no-vf", None)


def test_s06_vf_that_is_no_pci_device_is_not_taken_unasked(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    with unchanged(lab):
        result = netvsc_bpf_cli("attach", "eth0", "--json")
        assert (state(result)["path"], state(result)["vf"]) == ("synthetic", None)
        assert "vf0 is not used" in result.stderr
        assert "--any-bus" in result.stderr
        netvsc_bpf_cli("detach", "eth0")


def test_s06_naming_one_vf_admits_no_other_of_its_bus(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    state(netvsc_bpf_cli("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json"))
    second_vf(lab)
    lab.unplug_vf()
    result = netvsc_bpf_cli("attach", "eth0", "--settle", "10", "--json")
    assert state(result)["vf"] is None
    assert "vf1 is not used: it is not a PCI device" in result.stderr


def test_s06_vf_that_was_named_stays_the_one_though_it_does_not_fit_now(
    lab: Lab, netvsc_bpf_cli: Cli
) -> None:
    state(netvsc_bpf_cli("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json"))
    second_vf(lab)
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "address", "02:00:00:00:00:01"])
    refused(
        netvsc_bpf_cli("attach", "eth0", "--any-bus"), 3, "vf0 as VF of eth0: its MAC is 02:00:00:00:00:01"
    )


def test_s07_second_vf_is_refused_aloud_and_the_first_stays(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    state(netvsc_bpf_cli("attach", "eth0", "--any-bus", "--json"))
    before = pins()
    second_vf(lab)
    result = netvsc_bpf_cli("attach", "eth0", "--any-bus", "--json")
    pair = state(result)
    assert (pair["vf"]["interface"], pair["path"], pair["path_changes"]) == ("vf0", "vf", 1)
    assert result.stderr.splitlines() == [
        "netvsc-bpf: vf1 is not used: it is a second VF, vf0 is the one in use"
    ]
    assert pins() == before


def test_s09_renamed_vf_is_still_the_vf(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    state(netvsc_bpf_cli("attach", "eth0", "--vf", "vf0", "--json"))
    for name in ("enP1s1", "enP1s1np0"):
        # Renaming an interface that is up takes Linux 6.2; udev does it down.
        lab.run(lab.guest, ["ip", "link", "set", lab_name(lab), "down"])
        lab.run(lab.guest, ["ip", "link", "set", lab_name(lab), "name", name])
        lab.run(lab.guest, ["ip", "link", "set", name, "up"])
        pair = state(netvsc_bpf_cli("attach", "eth0", "--json"))
        assert (pair["vf"]["interface"], pair["path"]) == (name, "vf")
    assert netvsc_bpf_cli("detach", "eth0").returncode == 0
    assert pins() == []


def lab_name(lab: Lab) -> str:
    """Return what the VF is called now: the third interface of the guest."""
    return lab.run(lab.guest, ["ip", "-o", "link"]).stdout.splitlines()[2].split()[1].split("@")[0]


def test_s59_vf_in_a_bridge_is_refused_by_its_owner(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    lab.run(lab.guest, ["ip", "link", "add", "br0", "type", "bridge"])
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "master", "br0"])
    for options in (["--any-bus"], ["--vf", "vf0"]):
        with unchanged(lab):
            refused(netvsc_bpf_cli("attach", "eth0", *options), 3, "belongs to bridge br0", "nomaster")
