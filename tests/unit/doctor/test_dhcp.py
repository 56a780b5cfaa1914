# SPDX-License-Identifier: GPL-2.0-only
"""Who else believes that the VF is a NIC of its own (scenario row 13)."""

from dataclasses import replace
from pathlib import Path

import pytest

from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.vf_dhcp import Places, check_dhcp, check_ipv6
from tests.unit.discovery.shapes import VF

HERE, ELSEWHERE = "net:[4026531840]", "net:[4026532177]"


class Machine:
    """/proc and /run of a machine; this very process is in its first network namespace."""

    def __init__(self, root: Path) -> None:
        self.places = Places(root / "proc", root / "links", root / "devices")
        for name in ("thread-self", "1"):
            self.namespace(name, HERE)

    def namespace(self, process: str, inode: str) -> None:
        link = self.places.proc / process / "ns" / "net"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(inode)

    def process(self, pid: int, *words: str, inode: str = HERE) -> None:
        self.namespace(str(pid), inode)
        (self.places.proc / str(pid) / "cmdline").write_bytes(b"".join(w.encode() + b"\0" for w in words))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ("/usr/sbin/dhclient", "-4", "-v", "-i", "-pf", "/run/dhclient.pid", VF.name),
        ("dhcpcd", VF.name),
        ("udhcpc", "-b", "-i", VF.name),
        ("/sbin/udhcpc", f"--interface={VF.name}"),
    ],
)
def test_s13_dhcp_client_on_the_vf_is_a_warning(machine: Machine, words: tuple[str, ...]) -> None:
    machine.process(512, *words)
    (finding,) = check_dhcp(VF, machine.places)
    assert finding.level is Level.WARNING
    assert finding.what.endswith(f"(process 512) configures the VF {VF.name}")
    assert "deploy/" in (finding.remedy or "")


def test_s13_clients_of_other_nics_and_namespaces_and_other_programs_are_not(machine: Machine) -> None:
    machine.process(512, "/usr/sbin/dhclient", "eth0")
    machine.process(513, "/usr/sbin/dhclient", VF.name, inode=ELSEWHERE)
    machine.process(514, "tcpdump", "-i", VF.name)
    machine.process(515)
    assert check_dhcp(VF, machine.places) == []


def test_s13_networkd_that_manages_the_vf_is_a_warning(machine: Machine) -> None:
    machine.places.networkd.mkdir()
    file = machine.places.networkd / str(VF.ifindex)
    file.write_text("# This is private data. Do not parse.\nADMIN_STATE=configuring\nOPER_STATE=carrier\n")
    (finding,) = check_dhcp(VF, machine.places)
    assert finding.what == "systemd-networkd manages the VF enP31819s1 (configuring)"
    file.write_text("ADMIN_STATE=unmanaged\nOPER_STATE=carrier\n")
    assert check_dhcp(VF, machine.places) == []


def test_s13_network_manager_that_manages_the_vf_is_a_warning(machine: Machine) -> None:
    machine.places.network_manager.mkdir()
    file = machine.places.network_manager / str(VF.ifindex)
    file.write_text("[device]\nmanaged=true\n")
    (finding,) = check_dhcp(VF, machine.places)
    assert "nmcli device set enP31819s1 managed no" in (finding.remedy or "")
    file.write_text("[device]\nmanaged=false\n")
    assert check_dhcp(VF, machine.places) == []


def test_files_of_the_machine_say_nothing_of_another_namespace(machine: Machine) -> None:
    machine.namespace("thread-self", ELSEWHERE)
    machine.places.networkd.mkdir()
    (machine.places.networkd / str(VF.ifindex)).write_text("ADMIN_STATE=configured\n")
    assert check_dhcp(VF, machine.places) == []


def test_s12_ipv6_that_is_on_again_is_a_warning() -> None:
    finding = check_ipv6(replace(VF, ipv6_disabled=False), attached=True)
    assert finding is not None
    assert finding.remedy == "`sysctl -w net.ipv6.conf.enP31819s1.disable_ipv6=1`"


def test_s12_ipv6_before_attach_is_as_it_should_be() -> None:
    assert check_ipv6(replace(VF, ipv6_disabled=False), attached=False) is None
    assert check_ipv6(replace(VF, ipv6_disabled=True), attached=True) is None
    assert check_ipv6(replace(VF, ipv6_disabled=None), attached=True) is None, "a kernel without IPv6"
