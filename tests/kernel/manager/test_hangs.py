# SPDX-License-Identifier: GPL-2.0-only
"""A step that hangs: its pair loses the VF and no packet, other pairs go on, and in the end all is well."""

import errno
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.kernel.bpf.abi import REASONS, ControlCommand
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.conftest import LabFactory
from tests.kernel.manager.scenes import FOLLOW_LISTS, GROUP, SCENES, Scene, changed
from tests.kernel.support.attachment import Attachment
from tests.kernel.support.manager import OwnManager, ip, nic, own_manager_of
from tests.kernel.support.versions import at_rest
from tests.kernel.support.waiting import eventually

LIMIT_S = 0.5
LOOK_S = 0.25
"""How often a manager looks whether a step still hangs."""
FLAGS = next(scene for scene in SCENES if scene.kind == "FollowFlags")


@contextmanager
def streaming(lab: Lab, pair: int = 0) -> Iterator[None]:
    with UdpStream(udp_plan(lab, Direction.TX, rate=500, pair=pair)) as stream:
        yield
        result = stream.stop()
        assert (result.lost, result.refused) == (0, 0) and result.sent > 0


@contextmanager
def hanging(lab: Lab, scene: Scene, **orders: object) -> Iterator[OwnManager]:
    """A manager that hangs in a step of the scene, and has said so."""
    with own_manager_of(
        lab, hangs=scene.kind, hangs_nth=scene.nth, step_limit_s=LIMIT_S, **orders
    ) as manager:
        if scene.kind != "Attach":
            manager.wait_vf()
            at_rest(lab)  # or its last regular step would be the one that is counted
            scene.prepare(lab)
            eventually("prepared", lambda: prepared(lab, scene))
            scene.provoke(lab)
        reported = manager.wait_event("failed", f"{scene.kind} has not returned")
        assert reported["step"] == scene.kind and reported["interface"] == "eth0"
        yield manager


def prepared(lab: Lab, scene: Scene) -> bool:
    vf0 = nic(lab, "vf0")
    return scene.carries or (vf0 is not None and not vf0.up)


def in_step(lab: Lab) -> bool:
    eth0, vf0 = nic(lab, "eth0"), nic(lab, "vf0")
    return (
        eth0 is not None
        and vf0 is not None
        and (vf0.mac, vf0.mtu, vf0.up) == (eth0.mac, eth0.mtu, eth0.up)
        and (vf0.promiscuity > 0) == (eth0.promiscuity > 0)
    )


def is_path(manager: OwnManager, path: Path, interface: str = "eth0") -> bool:
    return any(one.path is path for one in manager.statuses() if one.synthetic.name == interface)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.kind)
@pytest.mark.parametrize("number", [0, errno.ETIMEDOUT], ids=["works-late", "fails-late"])
def test_s23_step_that_hangs_costs_no_packet_and_is_made_up_for(lab: Lab, scene: Scene, number: int) -> None:
    outer = streaming(lab) if scene.carries else nullcontext()
    with outer, hanging(lab, scene, then_errno=number) as manager:
        assert not is_path(manager, Path.VF)
        # A pair that was down until now carries it from here on.
        with nullcontext() if scene.carries else streaming(lab):
            manager.go_on()
            scene.mend(lab)
            eventually(f"armed; reported was {manager.events}", lambda: is_path(manager, Path.VF))
            eventually("in sync", lambda: in_step(lab))


def test_s23_address_lists_that_hang_are_no_other_steps(lab: Lab) -> None:
    with streaming(lab), hanging(lab, FOLLOW_LISTS) as manager:
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
        manager.go_on()
        manager.wait_vf()
        shown = lab.run(lab.guest, ["ip", "maddr", "show", "dev", "vf0"]).stdout
        assert GROUP in shown


def test_s23_release_that_hangs_leaves_the_other_pair_alone(two: Lab) -> None:
    orders = {"interfaces": ("eth0", "eth1"), "hangs": "Release", "step_limit_s": LIMIT_S}
    with own_manager_of(two, **orders) as manager:
        for interface in ("eth0", "eth1"):
            eventually(interface, lambda of=interface: is_path(manager, Path.VF, of))
        with streaming(two, pair=1):
            ip(two, "link", "del", "eth0")
            manager.wait_event("failed", "Release has not returned")
            assert is_path(manager, Path.VF, "eth1")
            manager.go_on()
            manager.wait_event("released")
            eventually("eth1 alone", lambda: [one.synthetic.name for one in manager.statuses()] == ["eth1"])


def test_pair_that_hangs_is_held_back_afterwards(lab: Lab) -> None:
    with streaming(lab), hanging(lab, FLAGS, hold_s=600.0) as manager:
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
        manager.go_on()
        assert manager.wait_event("stalled")["hold_s"] == 600.0
        manager.wait_event("followed", "promisc")
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)


@pytest.fixture
def two(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(pairs=2))


def test_other_pair_returns_and_is_damped_while_a_step_hangs(two: Lab) -> None:
    """No traffic goes through it: without a check it would not return."""
    orders = {"interfaces": ("eth0", "eth1")}
    other = Attachment(two, "eth1")
    with hanging(two, FLAGS, **orders) as manager:
        eventually("eth1 armed", lambda: is_path(manager, Path.VF, "eth1"))
        vf_down = REASONS.index(Reason.VF_DOWN)
        for returns in range(3):
            armed = other.state().changes[1][REASONS.index(Reason.ARMED)]
            assert other.control(ControlCommand.DISARM, vf_down) is not None
            eventually(
                f"return number {returns}",
                lambda before=armed: other.state().changes[1][REASONS.index(Reason.ARMED)] > before,
            )
        other.control(ControlCommand.DISARM, vf_down)
        eventually("damped", lambda: other.where == (Path.SYNTHETIC, Reason.DAMPED))
        assert manager.events_of("failed", "has not returned"), "it still hangs"
        manager.go_on()
        eventually("eth0 armed again", lambda: is_path(manager, Path.VF))
        assert other.where == (Path.SYNTHETIC, Reason.DAMPED)


def test_other_pair_leaves_its_vf_on_the_rung_netlink_too(two: Lab) -> None:
    other = Attachment(two, "eth1")
    with hanging(two, FLAGS, interfaces=("eth0", "eth1"), liveness="netlink") as manager:
        eventually("eth1 armed", lambda: bool(other.state().armed))
        two.vf_carrier(False, 1)
        eventually("eth1 left", lambda: not other.state().armed)
        two.vf_carrier(True, 1)
        manager.go_on()
        eventually("eth1 armed again", lambda: bool(other.state().armed))


def test_s23_manager_that_was_stopped_takes_no_step_for_one_that_hangs(lab: Lab) -> None:
    """What went by while it was stopped, it has not waited."""
    limit_s = 4.0
    orders = {"hangs": FLAGS.kind, "hangs_nth": FLAGS.nth, "step_limit_s": limit_s}
    with streaming(lab), own_manager_of(lab, **orders) as manager:
        manager.wait_vf()
        FLAGS.provoke(lab)
        eventually("it waits in the step", lambda: waits_for_us(manager))
        manager.process.send_signal(signal.SIGSTOP)
        time.sleep(limit_s)
        manager.process.send_signal(signal.SIGCONT)
        time.sleep(2 * LOOK_S)
        manager.go_on()
        manager.wait_event("followed", "promisc")
        assert not manager.events_of("failed") and not manager.events_of("stalled")
        assert is_path(manager, Path.VF)


def waits_for_us(manager: OwnManager) -> bool:
    """Whether one of its threads reads the pipe through which go_on() speaks."""
    tasks = FilePath(f"/proc/{manager.process.pid}/task")
    return any("pipe_read" in (task / "wchan").read_text() for task in tasks.iterdir())


def test_manager_that_hangs_reports_it_once_and_ends_at_sigterm(lab: Lab) -> None:
    with hanging(lab, FLAGS) as manager:
        hangs_since = time.monotonic()
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
        changed("vf0", "mtu", "1400")(lab)  # wakes it
        eventually("the others looked at again", lambda: time.monotonic() > hangs_since + 4 * LIMIT_S)
        assert len(manager.events_of("failed", f"{FLAGS.kind} has not returned")) == 1
        manager.go_on()
        assert manager.stop() == 0
