# SPDX-License-Identifier: GPL-2.0-only
"""Without root: three capabilities are enough, and each that is missing is named."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.net.membership_query import SOURCE_MAC
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import BPFFS
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from tests.kernel.commands import refused, run, state
from tests.kernel.machine import eventually, pins, unchanged
from tests.kernel.support.frames import Tap
from tests.kernel.support.manager import Manager, managers
from tests.kernel.unprivileged.user import NEEDED, UID, as_user, require_readable_checkout

LabFactory = Callable[..., Lab]
ROOT = BPFFS / "netvsc-bpf"
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
USER = as_user(*NEEDED)


@pytest.fixture(autouse=True)
def readable() -> None:
    require_readable_checkout()


@pytest.fixture
def user_manager(lab: Lab) -> Iterator[Manager]:
    """`run` by a user with the three capabilities and no other, in the guest."""
    with managers(lab) as start:
        yield start("eth0", "--settle", "20", wrapped_in=USER)


def owners() -> set[int]:
    return {path.lstat().st_uid for path in (ROOT, *ROOT.rglob("*"))}


@pytest.mark.guest
@pytest.mark.oldest
def test_s68_attach_status_and_detach_take_three_capabilities(lab: Lab) -> None:
    with unchanged(lab):
        attached = state(run(lab, *ATTACH, wrapped_in=USER))
        assert (attached["path"], attached["vf"]["interface"]) == ("vf", "vf0")
        assert owners() == {UID} and ROOT.stat().st_mode & 0o777 == 0o700
        with UdpStream(udp_plan(lab, Direction.TX, rate=500)) as stream:
            eventually("traffic on the VF", lambda: _tx_vf(lab, USER) > 100)
            assert stream.stop().lost == 0
        lab.vf_down()
        eventually("the user sees the reason", lambda: _shown(lab, USER)["reason"] == "vf-down")
        lab.vf_up()
        assert run(lab, "detach", "eth0", wrapped_in=USER).returncode == 0
        assert pins() == []


def test_s68_run_takes_three_capabilities(lab: Lab, user_manager: Manager) -> None:
    user_manager.wait_vf()
    assert owners() == {UID}
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        lab.unplug_vf()
        user_manager.wait_event("left")
        lab.plug_vf(up=False)
        user_manager.wait_vf()
    lab.run(lab.guest, ["ip", "link", "set", "eth0", "mtu", "1400"])
    user_manager.wait_event("followed", "vf0 has MTU 1400")
    (complaint,) = user_manager.events_of("failed")
    assert "CAP_NET_RAW is missing; grant it, or use --no-announce" in complaint["text"]
    assert user_manager.stop() == 0 and not user_manager.noise


def test_s68_announcements_take_one_capability_more(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", "--settle", "20", wrapped_in=as_user(*NEEDED, "net_raw"))
        manager.wait_vf()
        with Tap(lab.guest, "eth0") as stack:
            lab.vf_down()
            manager.wait_event("switched", "vf-down")
            stack.wait_for(SOURCE_MAC)  # members are asked to report, too
        assert manager.events_of("failed") == []


def test_s98_drain_and_undrain_need_three_capabilities_and_explain_a_fourth(lab: Lab) -> None:
    state(run(lab, *ATTACH, wrapped_in=USER))
    for command, path in (("drain", "synthetic"), ("undrain", "vf")):
        for missing in NEEDED:
            rest = [name for name in NEEDED if name != missing]
            ended = run(lab, command, "eth0", wrapped_in=as_user(*rest))
            refused(ended, 4, f"CAP_{missing.upper()} is missing")
        ended = run(lab, command, "eth0", wrapped_in=USER)
        assert (ended.returncode, ended.stdout) == (0, "")
        assert ended.stderr.startswith("netvsc-bpf: cannot announce where eth0 is: CAP_NET_RAW is missing")
        eventually("its path", lambda path=path: _shown(lab, USER)["path"] == path)
        assert owners() == {UID}
    assert run(lab, "detach", "eth0", wrapped_in=USER).returncode == 0


def test_s98_root_drains_a_pair_of_the_service_user(lab: Lab, user_manager: Manager) -> None:
    user_manager.wait_vf()
    ended = run(lab, "drain", "eth0", "--why", "by root")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert owners() == {UID}, "the note is the user's, too"
    user_manager.wait_event("drained", "by root")
    user_manager.wait_event("followed", "taken down: drained")
    assert run(lab, "undrain", "eth0", wrapped_in=USER).returncode == 0
    user_manager.wait_vf()


@pytest.mark.parametrize("missing", NEEDED)
@pytest.mark.parametrize("command", [ATTACH, ("run", "eth0", "--any-bus")], ids=["attach", "run"])
def test_s68_one_line_names_the_one_that_is_missing(lab: Lab, missing: str, command: tuple[str, ...]) -> None:
    rest = [name for name in NEEDED if name != missing]
    with unchanged(lab):
        refused(run(lab, *command, wrapped_in=as_user(*rest)), 4, f"CAP_{missing.upper()} is missing")


def test_s68_status_takes_one(lab: Lab) -> None:
    assert json.loads(run(lab, "status", "--json", wrapped_in=as_user("bpf")).stdout) == []
    refused(run(lab, "status", wrapped_in=as_user("net_admin", "perfmon")), 4, "CAP_BPF is missing")


@pytest.mark.parametrize("missing", NEEDED)
def test_s68_doctor_names_the_one_that_is_missing(lab: Lab, missing: str) -> None:
    rest = [name for name in NEEDED if name != missing]
    result = run(lab, "doctor", "--json", wrapped_in=as_user(*rest))
    found = [one for one in json.loads(result.stdout)["findings"] if one["check"] == "capabilities"]
    assert result.returncode == 4
    assert {one["level"]: one["what"].partition(" (")[0].partition(",")[0] for one in found} == {
        "problem": f"missing: CAP_{missing.upper()}",
        "warning": "missing: CAP_NET_RAW",  # it works without
    }


def test_s68_root_may_work_beside_the_user(lab_factory: LabFactory) -> None:
    """What root makes in the user's folder is the user's: the manager goes on with it."""
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    with managers(lab) as start:
        manager = start("eth0", "--settle", "20", wrapped_in=USER)
        manager.wait_vf()
        _work_beside(lab, manager)


def _work_beside(lab: Lab, manager: Manager) -> None:
    assert state(run(lab, "status", "--json"))["path"] == "vf"
    refused(run(lab, "detach", "eth0"), 3, f"process {manager.process.pid} manages this network namespace")
    assert run(lab, "attach", "eth0", "--any-bus").returncode == 0
    assert run(lab, "attach", "eth1", "--any-bus").returncode == 0
    assert owners() == {UID}
    lab.run(lab.guest, ["ip", "link", "set", "eth0", "mtu", "1400"])
    manager.wait_event("followed", "vf0 has MTU 1400")
    assert manager.stop() == 0
    assert run(lab, "detach", "eth1", wrapped_in=USER).returncode == 0
    assert run(lab, "detach", "eth0").returncode == 0
    assert pins() == []


def test_s68_pins_of_root_are_not_the_users_until_they_are_given(lab: Lab) -> None:
    state(run(lab, *ATTACH))
    for command in (("status",), ATTACH, ("detach", "eth0")):
        refused(run(lab, *command, wrapped_in=USER), 4, f"{ROOT} belongs to root", "chown -R it")
    # What the unit does before it starts.
    subprocess.run(["chown", "-R", f"{UID}:{UID}", ROOT], check=True)
    assert state(run(lab, *ATTACH, wrapped_in=USER))["path"] == "vf"
    assert run(lab, "detach", "eth0", wrapped_in=USER).returncode == 0


def test_s68_another_user_cannot_open_the_pins(lab: Lab) -> None:
    state(run(lab, *ATTACH, wrapped_in=USER))
    other = as_user(*NEEDED, uid=UID + 1)
    refused(run(lab, "status", wrapped_in=other), 4, f"{ROOT} belongs to user {UID}")
    script = "import sys; from pathlib import Path; from netvsc_bpf.kernel.bpf import libbpf\n"
    script += "libbpf.obj_get(Path(sys.argv[1]))"
    pin = next(ROOT.rglob("maps/pairs"))
    command = [*other, sys.executable, "-c", script, str(pin)]
    assert "PermissionError" in subprocess.run(command, text=True, capture_output=True, check=False).stderr
    os.close(libbpf.obj_get(pin))
    assert run(lab, "detach", "eth0", wrapped_in=USER).returncode == 0


def _shown(lab: Lab, wrapped_in: list[str]) -> dict[str, object]:
    return state(run(lab, "status", "--json", wrapped_in=wrapped_in))


def _tx_vf(lab: Lab, wrapped_in: list[str]) -> int:
    packets = state(run(lab, "status", "--json", wrapped_in=wrapped_in))["counters"]["tx"]["vf"]["packets"]
    assert isinstance(packets, int)
    return packets


@pytest.fixture
def closed_bpffs() -> Iterator[None]:
    """bpffs as systemd mounts it: for root alone."""
    before = BPFFS.stat().st_mode & 0o7777
    BPFFS.chmod(0o700)
    yield
    BPFFS.chmod(before)
    if ROOT.exists():
        ROOT.rmdir()


def test_s68_bpffs_for_root_only_is_reported_with_a_remedy(lab: Lab, closed_bpffs: None) -> None:
    for command in (ATTACH, ("status",), ("run", "eth0", "--any-bus")):
        refused(run(lab, *command, wrapped_in=USER), 4, "only root may enter", f"chown {ROOT}")
    result = run(lab, "doctor", wrapped_in=USER)
    assert result.returncode == 4 and f"as root create {ROOT}" in result.stdout


def test_s68_one_folder_in_it_is_enough(lab: Lab, closed_bpffs: None) -> None:
    """What deploy/systemd does: x for all, and a folder that stays even when it is empty."""
    BPFFS.chmod(0o711)
    ROOT.mkdir(0o700)
    os.chown(ROOT, UID, UID)
    for _ in range(2):
        assert state(run(lab, *ATTACH, wrapped_in=USER))["path"] == "vf"
        assert run(lab, "detach", "eth0", wrapped_in=USER).returncode == 0
    assert state(run(lab, *ATTACH))["path"] == "vf"
    assert run(lab, "detach", "eth0").returncode == 0
    assert ROOT.exists() and list(ROOT.iterdir()) == []
    assert f"{ROOT} is writable" in run(lab, "doctor", wrapped_in=USER).stdout
