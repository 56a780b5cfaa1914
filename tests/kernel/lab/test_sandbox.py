# SPDX-License-Identifier: GPL-2.0-only
"""A sandbox hides what is in it, and takes it along when it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netvsc_bpf.lab.namespace import call_in, namespace_path
from netvsc_bpf.lab.sandbox import BPFFS, NETNS
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.wiring import with_rtnl
from tests.kernel.support.waiting import eventually

LAB_AND_STREAM = """
import sys, time
from pathlib import Path
from netvsc_bpf.lab.sandbox import BPFFS, NETNS, enter_sandbox
enter_sandbox()
from netvsc_bpf.lab import leak_check
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
