# SPDX-License-Identifier: GPL-2.0-only
"""Each kind of step fails with what kernels say, or loses its device: traffic goes on, and it ends well."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import product

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.manager.events.kinds import Kind
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.planner import actions as act
from tests.kernel.conftest import LabFactory
from tests.kernel.manager.scenes import SCENES, Scene
from tests.kernel.manager.turns import Turns
from tests.kernel.step_faults import Within, failing, within
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, ethernet, send
from tests.kernel.support.manager import ip, nic
from tests.kernel.support.waiting import eventually

ERRNOS = (errno.EBUSY, errno.ENODEV, errno.EPERM, errno.ENOSPC, errno.ENOBUFS)
PATIENCE = 31.0
"""Seconds of the manager's clock: longer than it ever waits after a failure."""


@pytest.fixture(params=SCENES, ids=lambda scene: scene.kind)
def scene(request: pytest.FixtureRequest) -> Scene:
    found: Scene = request.param
    return found


@pytest.fixture
def turns(lab_factory: LabFactory) -> Iterator[Turns]:
    """A pair at rest; eth1 is attached all the time, so that programs are compiled once."""
    lab = lab_factory(LabPlan(pairs=2))
    try:
        lab.in_guest(datapath.attach, "eth1", AttachOptions(any_bus=True))
        turns = Turns(lab)
        eventually("armed", turns.armed)
        yield turns
    finally:
        lab.in_guest(datapath.detach_all)


@contextmanager
def streaming(lab: Lab) -> Iterator[None]:
    """A numbered stream from the pair, of which nothing may be lost."""
    with UdpStream(udp_plan(lab, Direction.TX, rate=1000)) as stream:
        yield
        result = stream.stop()
        assert (result.lost, result.refused) == (0, 0) and result.sent > 0


@contextmanager
def provoked(turns: Turns, scene: Scene) -> Iterator[None]:
    """The step is necessary, and afterwards all is well."""
    scene.prepare(turns.lab)
    turns.turn()
    provoke(turns, scene)
    # A pair that was down until now carries it from here on.
    with nullcontext() if scene.carries else streaming(turns.lab):
        yield
        recovers(turns, scene)


def provoke(turns: Turns, scene: Scene) -> None:
    scene.provoke(turns.lab)
    if scene.used:
        turns.turn()
        eventually(
            "the kernel uses the VF", lambda: sent(turns.lab) and turns.where == (Path.VF, Reason.ARMED)
        )


def sent(lab: Lab) -> bool:
    """Have the kernel look at the VF, as it does for any packet."""
    send(lab.guest, "eth0", ethernet(OTHER_MAC, bytes(46), source=GUEST_MAC, ethertype=0x88B5))
    return True


def recovers(turns: Turns, scene: Scene) -> None:
    turns.now += PATIENCE
    turns.turn()
    scene.mend(turns.lab)
    eventually(f"armed again; reported was {turns.events[-5:]}", lambda: later(turns) and turns.armed())
    in_step(turns.lab)


def later(turns: Turns) -> bool:
    turns.now += PATIENCE
    return True


def in_step(lab: Lab) -> None:
    eth0, vf0 = nic(lab, "eth0"), nic(lab, "vf0")
    assert eth0 is not None and vf0 is not None
    assert (vf0.mac, vf0.mtu, vf0.up) == (eth0.mac, eth0.mtu, eth0.up)
    assert (vf0.promiscuity > 0) == (eth0.promiscuity > 0)


def fits(turns: Turns) -> bool:
    """Say whether the path is the synthetic NIC, or a VF that may be."""
    eth0, vf0 = nic(turns.lab, "eth0"), nic(turns.lab, "vf0")
    if turns.where is None or turns.where[0] is Path.SYNTHETIC:
        return True
    return eth0 is not None and vf0 is not None and (vf0.mac, vf0.mtu) == (eth0.mac, eth0.mtu)


def turn(turns: Turns) -> None:
    """One turn; what a whole turn ends with has to be one of our own errors."""
    try:
        turns.turn()
    except NetvscBpfError as error:
        assert len(str(error).splitlines()) == 1


def test_s23_step_that_fails_costs_no_packet_and_is_made_up_for(turns: Turns, scene: Scene) -> None:
    with provoked(turns, scene):
        with within(Within(kind=scene.kind)) as steps:
            turns.turn()
        names = steps.names
        assert names, "the scene needs another step"
    last = len(names) - 1
    with streaming(turns.lab) if scene.carries else nullcontext():
        for number, place in product(ERRNOS, sorted({0, last})):
            where = f"{names[place]} (call {place}), {errno.errorcode[number]}"
            events = len(turns.events)
            with provoked(turns, scene), failing(scene.kind, place, number) as faulty:
                turn(turns)
                assert (where, len(faulty.names) > place) == (where, True)
                reported = turns.events[events:]
                assert any(event.kind in (Kind.FAILED, Kind.REFUSED) for event in reported), (where, reported)
                assert (where, fits(turns) or scene.step is act.Withdraw) == (where, True)


def unplugged(lab: Lab) -> Callable[[], None]:
    return lambda: lab.unplug_vf() if nic(lab, "vf0") else None


@pytest.mark.parametrize(
    "scene", [one for one in SCENES if one.step is not act.ReplaceInterim], ids=lambda scene: scene.kind
)
def test_vf_that_vanishes_after_a_step_costs_no_packet(turns: Turns, scene: Scene) -> None:
    """Not after ReplaceInterim: the VF may be in use, and a veth that is cut drops what it has taken."""
    lab = turns.lab
    with streaming(lab) if scene.carries else nullcontext(), provoked(turns, scene):
        with within(Within(kind=scene.kind, after=unplugged(lab))) as steps:
            turn(turns)
            assert steps.steps and nic(lab, "vf0") is None
        turns.now += PATIENCE
        turn(turns)
        assert turns.where is not None and turns.where[0] is Path.SYNTHETIC
        lab.plug_vf()


def test_vf_that_vanishes_during_a_step_is_no_failure(turns: Turns, scene: Scene) -> None:
    """The same turn finds that it is gone: no waiting, no error."""
    lab = turns.lab
    scene.prepare(lab)
    turns.turn()
    provoke(turns, scene)
    reported = len(turns.events)
    with within(Within(at=0, then=unplugged(lab), kind=scene.kind)):
        turns.turn()
    assert nic(lab, "vf0") is None
    assert turns.where in ((Path.SYNTHETIC, Reason.NO_VF), (Path.SYNTHETIC, Reason.VF_GONE))
    assert [event for event in turns.events[reported:] if event.kind is Kind.FAILED] == []
    lab.plug_vf()
    recovers(turns, scene)


def test_vf_that_vanishes_before_it_joins_again_is_reported_as_removed(turns: Turns) -> None:
    """Its home is lost, so that it is joined again, and the VF goes before that: it left the pair."""
    lab = turns.lab
    turns.turn()
    pins = NetnsPins(lab.in_guest(namespaces.current_inode))
    pins.link(lab.ifindex(lab.guest, "eth0"), "home").unlink()
    reported = len(turns.events)
    with within(Within(kind="Join", before=unplugged(lab))) as steps:
        turns.turn()
    assert steps.steps == 1 and nic(lab, "vf0") is None
    assert [event.kind for event in turns.events[reported:]] == [Kind.WITHDRAWN, Kind.LEFT]
    assert turns.events_of(Kind.LEFT)[-1] == "vf0: vf-gone"
    lab.plug_vf()
    turns.now += PATIENCE
    eventually("armed again", lambda: later(turns) and turns.armed())


@pytest.mark.parametrize("kind", ["Attach", "Join", "Permit"])
def test_synthetic_nic_that_vanishes_after_a_step_is_released(lab_factory: LabFactory, kind: str) -> None:
    """Another pair carries the stream: this one has no NIC to send from."""
    lab = lab_factory(LabPlan(pairs=2))
    turns = Turns(lab)
    try:
        with UdpStream(udp_plan(lab, Direction.TX, rate=1000, pair=1)) as stream:
            with within(Within(kind=kind, after=lambda: ip(lab, "link", "del", "eth0"))) as steps:
                turn(turns)
                assert steps.steps == 1
            turns.now += PATIENCE
            turn(turns)
            result = stream.stop()
        vf0 = nic(lab, "vf0")
        assert vf0 is not None and vf0.ipv6_disabled is False, "it is as it was found"
        assert lab.in_guest(datapath.status) == []
        assert result.lost == 0
    finally:
        lab.in_guest(datapath.detach_all)


@pytest.mark.parametrize(("number", "place"), list(zip(ERRNOS, range(5), strict=True)))
def test_release_that_fails_leaves_nothing(lab_factory: LabFactory, number: int, place: int) -> None:
    """What could not be restored is reported, and not retried for ever: the VF may be in other use by now."""
    lab = lab_factory(LabPlan(pairs=2))
    turns = Turns(lab)
    try:
        eventually("armed", turns.armed)
        with UdpStream(udp_plan(lab, Direction.TX, rate=1000, pair=1)) as stream:
            ip(lab, "link", "del", "eth0")
            with failing("Release", place, number) as steps:
                turn(turns)
                assert len(steps.names) > place and len(turns.events_of(Kind.FAILED)) == 1
            turns.now += PATIENCE
            turn(turns)
            result = stream.stop()
        assert lab.in_guest(datapath.status) == []
        assert result.lost == 0
    finally:
        lab.in_guest(datapath.detach_all)
