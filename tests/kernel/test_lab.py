# SPDX-License-Identifier: GPL-2.0-only
"""What the lab promises to those who test and measure with it."""

import json
import os
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netvsc_bpf.lab import leftovers
from netvsc_bpf.lab.demo_result import EventResult, Expectation, May
from netvsc_bpf.lab.directions import Direction, tcp_plan, udp_plan
from netvsc_bpf.lab.namespace import call_in, namespace_path
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.recording import Loss, MissingRun, Recording
from netvsc_bpf.lab.sandbox import BPFFS, NETNS
from netvsc_bpf.lab.tcp import TcpStream
from netvsc_bpf.lab.tcp_pattern import Pattern
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from netvsc_bpf.lab.wiring import with_rtnl
from netvsc_bpf.model.errors import NetvscBpfError, NoSuchNic

LabFactory = Callable[..., Lab]
Cli = Callable[..., subprocess.CompletedProcess[str]]

WITHOUT_VF = LabPlan(vf=False)


def eventually(what: str, holds: Callable[[], bool]) -> None:
    """Wait for what must come, however slow the machine: the limit is that of a hang, not of a speed."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


def link_of(lab: Lab, name: str, interface: str) -> dict[str, Any]:
    shown: list[dict[str, Any]] = json.loads(
        lab.run(name, ["ip", "-j", "addr", "show", "dev", interface]).stdout
    )
    return shown[0]


def has_carrier(lab: Lab, interface: str) -> bool:
    return "LOWER_UP" in link_of(lab, lab.guest, interface)["flags"]


# The network.


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize("direction", list(Direction))
def test_stream_without_events_loses_and_repeats_nothing(
    lab_factory: LabFactory, direction: Direction, ipv6: bool
) -> None:
    lab = lab_factory(WITHOUT_VF)
    with UdpStream(udp_plan(lab, direction, rate=20_000, ipv6=ipv6)) as stream:
        eventually("5,000 packets", lambda: stream.received >= 5_000)
        result = stream.stop()
    assert (result.lost, result.duplicates, result.refused, result.receiver_drops) == (0, 0, 0, 0)
    assert result.sent == result.received >= 5_000


@pytest.mark.parametrize("direction", list(Direction))
def test_tcp_stream_arrives_complete_and_in_order(lab_factory: LabFactory, direction: Direction) -> None:
    lab = lab_factory(WITHOUT_VF)
    with TcpStream(tcp_plan(lab, direction)) as stream:
        eventually("50 MB", lambda: stream.received >= 50_000_000)
        result = stream.stop()
    assert result.intact
    assert result.received == result.sent >= 50_000_000


def test_vf_has_the_mac_of_its_synthetic_nic_and_no_address(lab: Lab) -> None:
    vf = link_of(lab, lab.guest, "vf0")
    assert vf["address"] == link_of(lab, lab.guest, "eth0")["address"] == "00:15:5d:01:02:03"
    assert vf["addr_info"] == []


@pytest.mark.guest
def test_unplugged_vf_is_gone_and_comes_back_as_a_new_device(lab: Lab) -> None:
    before = lab.ifindex(lab.guest, "vf0")
    lab.unplug_vf()
    with pytest.raises(NoSuchNic):
        lab.ifindex(lab.guest, "vf0")
    after = lab.plug_vf(name="enP1s1")
    assert after not in (before, lab.ifindex(lab.guest, "eth0"))
    lab.unplug_vf()  # by its port, whatever its name


def test_vf_loses_and_regains_carrier_with_the_port_of_the_fabric(lab: Lab) -> None:
    lab.vf_carrier(False)
    eventually("carrier gone", lambda: not has_carrier(lab, "vf0"))
    assert has_carrier(lab, "eth0")
    lab.vf_carrier(True)
    eventually("carrier back", lambda: has_carrier(lab, "vf0"))


def test_ends_of_a_cable_never_share_an_ifindex(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=3))
    lab.unplug_vf(1)
    lab.plug_vf(1)
    for name in (lab.guest, lab.fabric, lab.peer):
        links = with_rtnl(name, lambda rtnl: list(rtnl.get_links()))
        ends = [(link["index"], link.get_attr("IFLA_LINK")) for link in links]
        assert [index for index, other in ends if index == other] == []


def test_host_fabric_never_floods_to_the_vf(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(fabric=Fabric.HOST))
    lab.run(lab.peer, ["ping", "-c", "1", "-W", "20", "10.99.0.1"])  # which begins with a broadcast
    stats = json.loads(lab.run(lab.guest, ["ip", "-j", "-s", "link", "show", "dev", "vf0"]).stdout)[0]
    assert stats["stats64"]["rx"]["packets"] == 0


def test_many_pairs_have_macs_and_addresses_of_their_own(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=64, fabric=Fabric.NONE))
    links = json.loads(lab.run(lab.guest, ["ip", "-j", "link"]).stdout)
    macs = {link["address"] for link in links if link["link_type"] == "ether"}
    assert len(links) == 1 + 2 * 64
    assert len(macs) == 64


def test_pairs_do_not_answer_for_each_other(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(pairs=2, vf=False))
    lab.run(lab.peer, ["ping", "-c", "1", "-W", "20", "10.99.1.1"])
    (neighbour,) = json.loads(lab.run(lab.peer, ["ip", "-j", "neigh", "show", "10.99.1.1"]).stdout)
    assert neighbour["lladdr"] == lab.plan.pair(1).mac


def test_programs_in_a_namespace_see_bpffs(lab: Lab) -> None:
    shown = lab.run(lab.guest, ["stat", "--file-system", "--format=%T", str(BPFFS)]).stdout
    assert shown.strip() == "bpf_fs"


def test_lab_that_fails_to_build_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fabric: str) -> None:
        raise NetvscBpfError("wait for the fabric", "as the test wants it")

    monkeypatch.setattr("netvsc_bpf.lab.builder.wait_for_ports", fail)
    with pytest.raises(NetvscBpfError, match="as the test wants it"), Lab():
        pass
    assert list(NETNS.iterdir()) == []


# The measurement.


def test_loss_in_the_receivers_own_socket_is_told_apart(lab_factory: LabFactory) -> None:
    lab = lab_factory(WITHOUT_VF)
    with UdpStream(UdpPlan(lab.guest, lab.peer, "10.99.0.2", rate=5_000, buffer=4096)) as stream:
        os.kill(stream.receiver_pid, signal.SIGSTOP)
        begin = stream.sent
        eventually("more than the buffer holds", lambda: stream.sent > begin + 500)
        os.kill(stream.receiver_pid, signal.SIGCONT)
        result = stream.stop()
    assert result.lost == result.receiver_drops > 0


def test_loss_is_attributed_to_the_time_when_it_was_sent(lab_factory: LabFactory) -> None:
    lab = lab_factory(WITHOUT_VF)
    with UdpStream(udp_plan(lab, Direction.TX, rate=5_000)) as stream:
        eventually("a quiet start", lambda: stream.received > 500)
        begin = time.monotonic_ns()
        lab.set_link(lab.fabric, "peer", False)
        gone = stream.sent
        eventually("packets sent into the void", lambda: stream.sent > gone + 500)
        lab.set_link(lab.fabric, "peer", True)
        back = stream.received
        eventually("packets arrive again", lambda: stream.received > back + 500)
        end = time.monotonic_ns()
        eventually("a quiet end", lambda: stream.received > back + 1500)
        result = stream.stop()
    cut = result.window(begin, end)
    assert result.window(0, begin).lost == 0
    assert result.lost == cut.lost >= 500
    assert sum(run.count for run in cut.missing) == cut.lost
    assert all(begin <= run.first_sent_ns <= run.last_sent_ns < end for run in cut.missing)
    assert cut.longest_gap_s * 1e9 > cut.missing[0].last_sent_ns - cut.missing[0].first_sent_ns


def test_stream_without_a_way_is_an_error(lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netvsc_bpf.lab.worker._PATIENCE_S", 0.5)
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    plan = UdpPlan(lab.guest, lab.peer, "127.0.0.1", rate=100)
    with pytest.raises(NetvscBpfError, match="reach 127"), UdpStream(plan):
        pass


def test_recording_counts_lost_repeated_and_late_packets() -> None:
    recording = Recording(
        sent_ns=array("q", [10, 20, 30, 40, 90, 100]),
        arrived_ns=array("q", [11, 21, 0, 0, 92, 101]),
        copies=bytes([1, 2, 0, 0, 1, 1]),
    )
    loss = recording.window(20, 91)
    assert (loss.sent, loss.received, loss.lost, loss.duplicates) == (4, 2, 2, 1)
    assert loss.missing == (MissingRun(first=2, count=2, first_sent_ns=30, last_sent_ns=40),)
    assert loss.longest_gap_s == pytest.approx(71e-9)
    assert loss.longest_pause_s == pytest.approx(50e-9)
    assert loss.longest_outage_s == pytest.approx(21e-9)  # 71 less the 50 in which nothing was sent
    assert recording.window(100, 200).longest_gap_s == pytest.approx(9e-9)
    assert recording.window(500, 600).sent == 0


@pytest.mark.parametrize("shift", [1, 1448, 4096, 65536, 1 << 20])
def test_pattern_notices_bytes_from_elsewhere(shift: int) -> None:
    pattern = Pattern()
    assert pattern.fits(bytes(pattern.at(5_000_000, 1448)), 5_000_000)
    assert not pattern.fits(bytes(pattern.at(5_000_000 + shift, 1448)), 5_000_000)


# The demo.


def event(after: str, tx: Loss, expected: Expectation, vf_share: float = 0.0) -> EventResult:
    nothing = Recording(array("q"), array("q"), b"").all()
    return EventResult("VF down", expected, "vf", after, vf_share, done_ns=50, tx=tx, rx=nothing)


def loss(*copies: int) -> Loss:
    sent = range(0, 10 * len(copies), 10)
    return Recording(
        array("q", sent),
        array("q", [at if n else 0 for at, n in zip(sent, copies, strict=True)]),
        bytes(copies),
    ).all()


def test_demo_accepts_what_was_to_be_expected() -> None:
    assert event("synthetic", loss(1, 1, 1), Expectation("synthetic")).problems() == []
    in_flight = Expectation("synthetic", tx=May.LOSE_WHAT_IS_IN_FLIGHT)
    assert event("synthetic", loss(1, 0, 0, 1, 1), in_flight).problems() == []


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (event("vf", loss(1), Expectation("synthetic"), 1.0), "path is vf, expected synthetic"),
        (event("vf", loss(1), Expectation("vf"), 0.0), "0% of the frames"),
        (event("synthetic", loss(1, 0), Expectation("synthetic")), "tx: 1 packets lost"),
        (event("synthetic", loss(1, 2), Expectation("synthetic")), "tx: 1 packets arrived twice"),
        (
            event(
                "synthetic",
                loss(1, 1, 1, 1, 1, 0, 0),
                Expectation("synthetic", tx=May.LOSE_WHAT_IS_IN_FLIGHT),
            ),
            "tx: 2 packets lost",
        ),
    ],
)
def test_demo_names_what_was_not_to_be_expected(seen: EventResult, problem: str) -> None:
    (found,) = seen.problems()
    assert problem in found


@pytest.mark.guest
def test_leftovers_are_seen_while_attached_and_gone_after_detach(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    assert leftovers.hooks(lab.guest) == leftovers.pins() == ()
    assert netvsc_bpf_cli("attach", "eth0", "--vf", "vf0").returncode == 0
    on = {hook.partition(":")[0] for hook in leftovers.hooks(lab.guest)}
    assert on == {"eth0", "vf0"}
    assert leftovers.pins()
    assert netvsc_bpf_cli("detach", "eth0").returncode == 0
    assert leftovers.hooks(lab.guest) == leftovers.pins() == ()


# The sandbox.

LAB_AND_STREAM = """
import sys, time
from pathlib import Path
from netvsc_bpf.lab.sandbox import BPFFS, NETNS, enter_sandbox
enter_sandbox()
from netvsc_bpf.lab import leftovers
from netvsc_bpf.lab.demo_result import EventResult, Expectation, May
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.lab.wiring import with_rtnl
found = [path.name for path in NETNS.iterdir()]
with Lab() as lab, UdpStream(udp_plan(lab, Direction.TX, rate=1000)) as stream, open(sys.argv[1]) as tied:
    (BPFFS / lab.guest).mkdir()
    with_rtnl(lab.guest, lambda rtnl: rtnl.link(
        "add", ifname="tie", kind="veth", peer={"ifname": "tie", "net_ns_fd": tied.fileno()}))
    print(lab.guest, stream.receiver_pid, *found, flush=True)
    time.sleep(600)
"""


def test_killed_process_leaves_nothing_behind(lab: Lab, outside: list[str]) -> None:
    with namespace_path(lab.guest).open() as ours:
        argv = [sys.executable, "-c", LAB_AND_STREAM, f"/proc/{os.getpid()}/fd/{ours.fileno()}"]
        victim = subprocess.Popen([*outside, *argv], stdout=subprocess.PIPE, text=True)
        assert victim.stdout is not None
        guest, receiver, *found = victim.stdout.readline().split()
    try:
        assert found == [], "a new sandbox starts without anybody's namespaces"
        assert lab.ifindex(lab.guest, "tie")
    finally:
        victim.kill()
        victim.communicate()
    names = [*outside, "ls", str(NETNS), str(BPFFS)]
    assert guest not in subprocess.run(names, text=True, capture_output=True, check=True).stdout
    eventually("the receiver ends", lambda: has_ended(int(receiver)))
    # The other end of a cable into a namespace goes when that namespace is destroyed, and not before.
    eventually("its namespaces are destroyed", lambda: not has_interface(lab.guest, "tie"))


def has_ended(pid: int) -> bool:
    try:
        # proc(5): pid (name) state ...; an init that does not reap its orphans leaves them as zombies.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def has_interface(name: str, interface: str) -> bool:
    return bool(with_rtnl(name, lambda rtnl: rtnl.link_lookup(ifname=interface)))


def test_sandbox_hides_its_namespaces_and_pins(lab: Lab, outside: list[str]) -> None:
    pin = BPFFS / lab.guest
    pin.mkdir()
    try:
        names = subprocess.run(
            [*outside, "ls", str(NETNS), str(BPFFS)], text=True, capture_output=True, check=True
        ).stdout
    finally:
        pin.rmdir()
    assert lab.guest not in names


def test_lab_outside_a_sandbox_is_refused(outside: list[str]) -> None:
    code = "from netvsc_bpf.lab.topology import Lab; Lab().__enter__()"
    result = subprocess.run(
        [*outside, sys.executable, "-c", code], text=True, capture_output=True, check=False
    )
    assert result.returncode != 0
    assert "not in a sandbox" in result.stderr


def test_sandbox_without_the_capability_names_the_remedy(outside: list[str]) -> None:
    code = "from netvsc_bpf.lab.sandbox import enter_sandbox; enter_sandbox()"
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code]
    result = subprocess.run([*outside, *powerless], text=True, capture_output=True, check=False)
    assert "MissingCapability" in result.stderr
    assert "run it as root" in result.stderr


def test_functions_run_in_a_namespace_return_and_raise(lab: Lab) -> None:
    inode = namespace_path(lab.peer).stat().st_ino
    assert call_in(lab.peer, lambda: Path("/proc/thread-self/ns/net").stat().st_ino) == inode
    assert Path("/proc/thread-self/ns/net").stat().st_ino != inode
    with pytest.raises(ZeroDivisionError):
        lab.in_guest(lambda: 1 / 0)
