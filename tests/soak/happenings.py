# SPDX-License-Identifier: GPL-2.0-only
"""What happens to the pair. Each leaves it as it was: the VF in use, once it has settled."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.events import move_vf
from netvsc_bpf.model.path import Path
from tests.kernel.support.manager import nic
from tests.soak.scene import Scene

Happening = Callable[[Scene, random.Random], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of event. It may lose `lost` packets in each direction: those that the VF has already."""

    happen: Happening
    lost: int = 0


def vf_down(scene: Scene, dice: random.Random) -> None:
    """The VF goes down and up, for shorter or longer than the settle time."""
    scene.lab.vf_down()
    time.sleep(dice.uniform(0.0, 0.4))
    scene.lab.vf_up()


def carrier(scene: Scene, dice: random.Random) -> None:
    """The VF loses its carrier for a while."""
    scene.lab.vf_carrier(False)
    time.sleep(dice.uniform(0.05, 0.4))
    scene.lab.vf_carrier(True)


def hot_plug(scene: Scene, dice: random.Random) -> None:
    """The host removes the VF and adds it again."""
    scene.lab.unplug_vf()
    time.sleep(dice.uniform(0.0, 0.5))
    scene.lab.plug_vf(up=False)


def to_another_namespace(scene: Scene, dice: random.Random) -> None:
    """Somebody moves the VF to another network namespace and back."""
    lab = scene.lab
    move_vf(lab, lab.guest, lab.peer)
    time.sleep(dice.uniform(0.05, 0.5))
    move_vf(lab, lab.peer, lab.guest)


def mtu(scene: Scene, dice: random.Random) -> None:
    """The MTU of the synthetic NIC changes, and the VF's follows."""
    for size in (dice.choice((1280, 1400, 1499)), 1500):
        scene.lab.run(scene.lab.guest, ["ip", "link", "set", "eth0", "mtu", str(size)])
        scene.wait(f"the VF has MTU {size}", lambda size=size: _mtu(scene) == size)  # type: ignore[misc]


def drained(scene: Scene, dice: random.Random) -> None:
    """An operator drains the pair for a while."""
    scene.command("drain", "eth0", "--why", "soak")
    scene.wait("drained", lambda: (scene.where() or (None,))[0] is Path.SYNTHETIC)
    time.sleep(dice.uniform(0.0, 0.3))
    scene.command("undrain", "eth0")


def killed(scene: Scene, dice: random.Random) -> None:
    """The manager is killed, the VF flaps with none, and another manager starts."""
    scene.end("kill")
    if dice.random() < 0.5:
        vf_down(scene, dice)
    scene.start()


def restarted(scene: Scene, dice: random.Random) -> None:
    """The manager is restarted as systemd does it."""
    scene.end("terminate")
    scene.start()


def upgraded(scene: Scene, dice: random.Random) -> None:
    """Another version starts and replaces the programs under traffic."""
    upgrades = _count(scene, "upgraded")
    scene.end("terminate")
    scene.other_version()
    scene.start()
    scene.wait("upgraded", lambda: _count(scene, "upgraded") > upgrades)


HAPPENINGS: Mapping[str, Entry] = {
    "vf-down": Entry(vf_down, lost=2),
    "carrier": Entry(carrier, lost=5),
    "hot-plug": Entry(hot_plug, lost=2),
    "namespace": Entry(to_another_namespace, lost=2),
    "mtu": Entry(mtu, lost=5),
    "drain": Entry(drained),
    "kill": Entry(killed, lost=2),
    "restart": Entry(restarted),
    "upgrade": Entry(upgraded),
}
"""By name. A VF that goes down or away has a packet or two in its queue; more if the switch notices later."""
WEIGHTS = {"vf-down": 20, "carrier": 20, "hot-plug": 20, "namespace": 10, "mtu": 10, "drain": 10}
"""How much more often than once: the others end a manager, and what leaks shows in one that lives long."""


def choose(dice: random.Random) -> str:
    """Return what happens next."""
    names = list(HAPPENINGS)
    (name,) = dice.choices(names, [WEIGHTS.get(name, 1) for name in names])
    return name


def _mtu(scene: Scene) -> int | None:
    vf = nic(scene.lab, "vf0")
    return None if vf is None else vf.mtu


def _count(scene: Scene, kind: str) -> int:
    return sum(event["event"] == kind for event in list(scene.events))
