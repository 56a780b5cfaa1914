# SPDX-License-Identifier: GPL-2.0-only
"""What can be disturbed: attach, detach, join, drain and the like; how each begins, and what it comes to.

Two pairs. eth1 is attached all the time; eth0 and vf0 are what each operation is about.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions, join
from netvsc_bpf.datapath.session import writing
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.process import Manager
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.metrics.config import MetricsConfig
from netvsc_bpf.model.errors import NotAttached
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.direct import Direct, direct
from tests.kernel.faults import slots_in_use
from tests.kernel.machine import State, assert_as, settled
from tests.kernel.support.joining import look_until_at_rest
from tests.kernel.support.versions import Versions
from tests.kernel.support.waiting import eventually

SETTLE_MS = 10
OPTIONS = AttachOptions(vf="vf0", settle_ms=SETTLE_MS)
_CONFIG = ManagerConfig(
    interfaces=("eth0",),
    options=AttachOptions(any_bus=True),
    settle_ms=SETTLE_MS,
    metrics=MetricsConfig(listen=None),
)
PLAN = LabPlan(pairs=2, fabric=Fabric.NONE)
_PREPARED = ["ip", "link", "set", "vf0", "down", "mtu", "1400", "gso_max_size", "30000"]


@dataclass
class Scene:
    """The guest, and how it was before anything was done to eth0."""

    here: Direct
    versions: Versions
    bare: State = field(init=False)
    """Before anything was attached."""
    found: State = field(init=False)
    """With eth1 attached."""
    slots: dict[str, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.lab.run(self.lab.guest, _PREPARED)
        self.bare = settled(self.lab)
        self.begin()

    def begin(self) -> None:
        """Attach eth1; what is imported and made once, with a pair or a manager, belongs to no operation."""
        self.here.attach("eth1")
        self.here.attach()
        self.manage()
        self.here.detach()
        self.found, self.slots = settled(self.lab), slots_in_use(self.lab)

    @property
    def lab(self) -> Lab:
        """Where it is."""
        return self.here.lab

    @property
    def attached(self) -> bool:
        """Whether anything of netvsc-bpf is on eth0."""
        return any(one.synthetic.name == "eth0" for one in self.lab.in_guest(datapath.status))

    def path(self, interface: str) -> Path:
        """Which way packets go."""
        return self.here.status(interface).path

    def restore(self) -> None:
        """Begin anew after something went wrong."""
        self.lab.in_guest(datapath.detach_all)
        self.lab.run(self.lab.guest, _PREPARED)
        _unchanged(self)
        self.begin()

    def assert_bare(self, when: str) -> None:
        """Detach everything, and fail unless nothing is left and everything is put back."""
        self.lab.in_guest(datapath.detach_all)
        assert_as(self.bare, self.lab, when)

    def assert_as_found(self, when: str) -> None:
        """Fail unless nothing of eth0's pair is left, and everything is put back."""
        assert_as(self.found, self.lab, when)
        assert (when, slots_in_use(self.lab)) == (when, self.slots)

    def detach(self) -> None:
        """Detach eth0, if anything is attached."""
        with suppress(NotAttached):
            self.here.detach()

    def manage(self) -> None:
        """Let a manager take its turns until the VF is used."""
        turn = _manager()

        def done() -> bool:
            self.lab.in_guest(turn)
            return self.path("eth0") is Path.VF

        eventually("the manager has the VF used", done)

    def link(self, *words: str) -> None:
        """Change an interface of the guest."""
        self.lab.run(self.lab.guest, ["ip", "link", "set", *words])


@dataclass(frozen=True)
class Operation:
    """`work` is done in the guest, and disturbed."""

    name: str
    work: Callable[[], object]
    prepare: Callable[[Scene], object]
    again: Callable[[Scene], object]
    """Brings it to its end after it was disturbed, whatever of it was done."""
    done: Callable[[Scene], bool]
    whole: bool = False
    """A failure leaves everything as it was."""
    renews: bool = False
    """It concerns the programs of both pairs."""
    endless: bool = False
    """It goes on until it is killed; `done` says when everything is."""
    finish: Callable[[Scene], object] = lambda scene: None
    """Takes back what `prepare` did beside eth0's pair."""


def _manager() -> Callable[[], object]:
    return Reconciler(_CONFIG, Reporter(lambda event: None))


def _attach() -> None:
    datapath.attach("eth0", OPTIONS)


def _detach() -> None:
    datapath.detach("eth0")


def _drain() -> None:
    datapath.drain("eth0", None, "maintenance")


def _undrain() -> None:
    datapath.undrain("eth0")


def _leave() -> None:
    with writing("cannot leave") as session, LoadedObject(session.pins) as loaded:
        (ifindex,) = (nic.ifindex for nic in session.nics if nic.name == "eth0")
        slot = find_pair_slot(loaded, ifindex)
        assert slot is not None
        hook = session.hook(loaded)
        join.leave(session, loaded, hook, session.nic(ifindex), slot, Reason.DRAINED)


def _turn() -> None:
    _manager()()


def _join() -> None:
    """Join it, and give home its link once it is used."""
    look_until_at_rest(_manager(), SETTLE_MS)


def _run() -> None:
    Manager(_CONFIG, lambda event: None).run()


def _attached(scene: Scene) -> None:
    scene.here.attach()


def _drained(scene: Scene) -> None:
    scene.here.attach()
    scene.lab.in_guest(_drain)


def _all_detached(scene: Scene) -> None:
    scene.lab.in_guest(datapath.detach_all)


def _uses_vf(scene: Scene) -> bool:
    return scene.attached and scene.path("eth0") is Path.VF


def _is_detached(scene: Scene) -> bool:
    return not scene.attached


def _is_drained(scene: Scene) -> bool:
    status = scene.here.status()
    left = status.reason is Reason.DRAINED and status.drained is not None
    return left and status.vf is not None and not status.vf.up


def _without_vf(scene: Scene) -> None:
    scene.here.attach()
    scene.lab.in_guest(_leave)


def _both_attached(scene: Scene) -> None:
    scene.here.attach("eth1")
    scene.here.attach()


def _other_version(scene: Scene) -> None:
    _both_attached(scene)
    scene.versions.next()


def _changed(scene: Scene) -> None:
    scene.here.attach()
    scene.link("eth0", "mtu", "1300", "promisc", "on", "allmulticast", "on")


def _unchanged(scene: Scene) -> None:
    scene.link("eth0", "mtu", "1500", "promisc", "off", "allmulticast", "off")


def _followed(scene: Scene) -> bool:
    vf = scene.here.status().vf
    return vf is not None and vf.mtu == 1300 and vf.promiscuity == 1


ATTACH = Operation("attach", _attach, lambda scene: None, _attached, _uses_vf, whole=True)
FIRST = Operation("first attach", _attach, _all_detached, _attached, _uses_vf, renews=True)
DETACH = Operation("detach", _detach, _attached, Scene.detach, _is_detached)
ALL = Operation("detach --all", datapath.detach_all, _both_attached, _all_detached, _is_detached, renews=True)
JOIN = Operation("join", _join, _without_vf, Scene.manage, _uses_vf)
LEAVE = Operation("leave", _leave, _attached, _attached, _uses_vf)
FOLLOW = Operation("follow", _turn, _changed, Scene.manage, _followed, finish=_unchanged)
UPGRADE = Operation("upgrade", _attach, _other_version, _attached, _uses_vf, renews=True)
DRAIN = Operation("drain", _drain, _attached, lambda scene: scene.lab.in_guest(_drain), _is_drained)
UNDRAIN = Operation("undrain", _undrain, _drained, lambda scene: scene.lab.in_guest(_undrain), _uses_vf)
RUN = Operation("run", _run, lambda scene: None, Scene.manage, _uses_vf, endless=True)
OPERATIONS = (ATTACH, FIRST, DETACH, ALL, JOIN, LEAVE, FOLLOW, UPGRADE, DRAIN, UNDRAIN)


@contextmanager
def scene(lab: Lab, versions: Versions) -> Iterator[Scene]:
    """The guest of a lab of PLAN, for the time of the block."""
    with direct(lab) as here:
        yield Scene(here, versions)
