# SPDX-License-Identifier: GPL-2.0-only
"""What `attach` refuses, `run` refuses: at the start, on reload, and when the NIC comes later."""

import signal
from collections.abc import Callable
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import refused, run
from tests.kernel.machine import pins, unchanged
from tests.kernel.support.claims import pins_but_claims
from tests.kernel.support.manager import Manager, ip

Start = Callable[..., Manager]
LabFactory = Callable[..., Lab]
LISTED = "[manager]\ninterfaces = [{}]\n[attach]\nsettle_ms = 20\nany_bus = true\n"


@pytest.fixture
def file(tmp_path: FilePath) -> FilePath:
    return tmp_path / "netvsc-bpf.toml"


def hang_up(manager: Manager) -> None:
    manager.process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize(
    ("interfaces", "said"),
    [
        (["lo"], "lo: it is the loopback interface"),
        (["eth0", "lo"], "lo: it is the loopback interface"),
        (["eth0", "vf0", "--any-bus"], "vf0: it is the VF of another pair, that of eth0"),
        (["eth0", "vf0"], "vf0: it has the MAC of eth0"),
        (["vf0", "eth0", "--any-bus"], "eth0: it is the VF of another pair, that of vf0"),
    ],
    ids=" ".join,
)
def test_s90_run_refuses_on_its_command_line_what_attach_refuses(
    lab: Lab, interfaces: list[str], said: str
) -> None:
    with unchanged(lab):
        refused(run(lab, "run", *interfaces, "--metrics-listen", "none"), 3, said)


def test_s90_vf_of_a_file_that_cannot_be_one_is_refused(lab: Lab, file: FilePath) -> None:
    file.write_text(LISTED.format('"eth0"') + '[interface.eth0]\nvf = "lo"\n')
    with unchanged(lab):
        refused(run(lab, "run", "--config", str(file)), 3, "lo as VF of eth0: it is the loopback interface")


def test_s90_reload_that_names_the_vf_keeps_the_old_file_and_the_guest_on_the_network(
    lab: Lab, start: Start, file: FilePath
) -> None:
    file.write_text(LISTED.format('"eth0"'))
    manager = start(lab, "", "--config", str(file))
    manager.wait_vf()
    for named, said in (
        ('"eth0", "vf0"', "vf0: it is the VF of another pair, that of eth0"),
        ('"vf0"', "vf0: it is the VF of another pair, that of eth0"),
        ('"eth0", "lo"', "lo: it is the loopback interface"),
    ):
        before = len(manager.events_of("refused", said))
        file.write_text(LISTED.format(named))
        hang_up(manager)
        event = manager.wait_event("refused", said, times=before + 1)
        assert event["text"].endswith("configuration stays in force") and "\n" not in event["text"]
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    manager.wait_event("followed", "vf0 has MTU 1400")
    manager.wait_vf()
    assert manager.events_of("reloaded") == []
    lab.run(lab.guest, ["ping", "-c1", "-W5", lab.plan.pair(0).peer_address])
    assert manager.stop() == 0


def test_s90_vf_that_is_named_and_comes_later_is_refused_and_not_half_attached(
    lab_factory: LabFactory, start: Start
) -> None:
    lab = lab_factory(LabPlan(vf=False))
    manager = start(lab, "eth0", "vf0")
    manager.wait_event("awaited")
    manager.wait_event("attached")
    lab.plug_vf()
    event = manager.wait_event("refused", "vf0: it has the MAC of eth0, which is attached")
    assert event["interface"] == "vf0"
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    ip(lab, "link", "set", "eth0", "mtu", "1500")
    lab.run(lab.guest, ["ping", "-c1", "-W5", lab.plan.pair(0).peer_address])
    assert [one.synthetic.name for one in manager.statuses()] == ["eth0"]
    assert [path.name for path in pins() if path.name.startswith("pair_")] == [
        f"pair_{lab.ifindex(lab.guest, 'eth0')}"
    ]
    assert len(manager.events_of("refused", "vf0: it has the MAC")) == 1
    assert manager.events_of("failed") == []


def test_s90_what_may_pass_is_reported_and_attached_once_it_has_passed(lab: Lab, start: Start) -> None:
    second = ["name", "vf1", "address", lab.plan.pair(0).mac, "type", "veth", "peer", "name", "vf1peer"]
    lab.run(lab.guest, ["ip", "link", "add", *second])
    manager = start(lab, "eth0")
    manager.wait_event("refused", "vf0, vf1 all carry its MAC")
    for _ in range(3):
        ip(lab, "link", "set", "vf1", "promisc", "on")
        ip(lab, "link", "set", "vf1", "promisc", "off")
    assert (manager.statuses(), pins_but_claims()) == ([], [])
    assert len(manager.events_of("refused")) == 1 and manager.events_of("failed") == []
    ip(lab, "link", "del", "vf1")
    manager.wait_vf()
