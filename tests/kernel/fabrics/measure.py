# SPDX-License-Identifier: GPL-2.0-only
"""How often a frame is delivered, counted by packet sockets."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count

from netvsc_bpf.lab.plan import Fabric
from tests.kernel.fabrics.kinds import Kind, State
from tests.kernel.fabrics.members import group_mac
from tests.kernel.fabrics.scene import Scene
from tests.kernel.fabrics.vf_filter import ROOM, listened_to
from tests.kernel.support.frames import BROADCAST, GUEST_MAC, Frame, Tap, ethernet, send, udp

INNER_MAC = bytes.fromhex("020000000011")
NOBODY_MAC = bytes.fromhex("020000000022")
STRANGE = "239.9.9.9"
PORT = 7001


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of one frame."""

    by_synthetic: int
    """Copies that the fabric handed to the synthetic NIC."""
    by_vf: int
    """Copies that the VF's filter let in."""
    delivered: int
    """Times that the synthetic NIC's stack got it."""


def measure(scene: Scene, state: State) -> dict[Kind, Measured]:
    """Send a frame of each kind and return what became of it."""
    with ExitStack() as undo:
        undo.enter_context(one_cpu())
        meter = undo.enter_context(Meter(scene, state))
        found = {
            Kind.UNICAST: meter.known(GUEST_MAC),
            Kind.FLOODED: meter.flooded(GUEST_MAC),
            Kind.BROADCAST: meter.from_peer(BROADCAST),
            Kind.GROUP: meter.to_group(scene.groups[0]),
            Kind.KEPT_GROUP: meter.to_group(scene.kept_group),
            Kind.STRANGE_GROUP: meter.to_group(STRANGE),
            Kind.CROWDED_GROUP: meter.crowded(),
            Kind.FOREIGN: meter.from_peer(NOBODY_MAC),
            Kind.OWN_BROADCAST: meter.own(GUEST_MAC, BROADCAST),
            Kind.OWN_UNICAST: meter.own(GUEST_MAC, NOBODY_MAC),
        }
        with scene.promiscuous():
            found |= {
                Kind.INNER: meter.known(INNER_MAC),
                Kind.INNER_FLOODED: meter.flooded(INNER_MAC),
                Kind.INNER_OWN_BROADCAST: meter.own(INNER_MAC, BROADCAST),
                Kind.INNER_OWN_UNICAST: meter.own(INNER_MAC, NOBODY_MAC),
            }
    return found


class Meter:
    """Sends one frame at a time and counts where it turns up."""

    def __init__(self, scene: Scene, state: State) -> None:
        self._scene = scene
        self._marks = (f"{state} {number:04} ".encode() + bytes(40) for number in count())
        self._taps = ExitStack()

    def __enter__(self) -> "Meter":
        lab = self._scene.lab
        with ExitStack() as undo:
            self._stack = undo.enter_context(Tap(lab.guest, "eth0"))
            self._synthetic = undo.enter_context(Tap(lab.fabric, "syn0"))
            self._vf = undo.enter_context(Tap(lab.fabric, "vf0"))
            self._taps = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._taps.close()

    def known(self, target: bytes) -> Measured:
        """To an address that has just been heard."""
        self._scene.speak(target)
        return self.from_peer(target)

    def from_peer(self, target: bytes) -> Measured:
        """From the peer to an address."""
        mark = next(self._marks)
        return self._count(mark, lambda: send(self._scene.lab.peer, "eth0", ethernet(target, mark)))

    def flooded(self, target: bytes) -> Measured:
        """To an address that the switch has forgotten."""
        # Announcements that follow a change of path may have the switch learn in between.
        while True:
            self._scene.forget()
            found = self.from_peer(target)
            if not self._scene.knows(target):
                return found

    def to_group(self, group: str) -> Measured:
        """From the peer to an IPv4 group."""
        mark = next(self._marks)
        peer = self._scene.lab.plan.pair(0).peer_address
        frame = udp(group_mac(group), peer, group, PORT, mark)
        return self._count(mark, lambda: send(self._scene.lab.peer, "eth0", frame))

    def crowded(self) -> Measured:
        """One of the groups joined here that does not fit into the VF's filter."""
        fit = listened_to(self._scene.lab, "vf0")[:ROOM]
        group = next(one for one in self._scene.groups if group_mac(one) not in fit)
        # A snooping switch sends the group to the VF's port alone: there, only all-multicast mode helps.
        snooping = self._scene.lab.plan.fabric is Fabric.SNOOPING
        self._scene.filter.follow(ROOM, trusted=snooping)
        found = self.to_group(group)
        self._scene.filter.follow()
        return found

    def own(self, source: bytes, target: bytes) -> Measured:
        """From the guest; what is delivered has come back."""
        mark = next(self._marks)
        frame = ethernet(target, mark, source=source)
        return self._count(mark, lambda: send(self._scene.lab.guest, "eth0", frame))

    def _count(self, mark: bytes, send_it: Callable[[], None]) -> Measured:
        send_it()
        self._everything_has_arrived()
        return Measured(
            by_synthetic=sum(frame.outgoing for frame in self._synthetic.seen(mark)),
            by_vf=sum(frame.outgoing for frame in self._vf.seen(mark)),
            delivered=arrivals(self._stack.seen(mark)),
        )

    def _everything_has_arrived(self) -> None:
        # On one CPU what goes the same way stays in order. What goes the other way waits in one queue more:
        # it has left the first when the first of these arrives, and has arrived with the second.
        for last in (b"last after " + next(self._marks), b"last of all " + next(self._marks)):
            send(self._scene.lab.peer, "eth0", ethernet(BROADCAST, last))
            self._stack.wait_for(last)


def arrivals(frames: list[Frame]) -> int:
    """Count those that came in."""
    return sum(not frame.outgoing for frame in frames)


@contextmanager
def one_cpu() -> Iterator[None]:
    """Keep what this thread sends, and the kernel's handling of it, on one CPU."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
