# SPDX-License-Identifier: GPL-2.0-only
"""What must hold throughout: nothing leaks, nothing complains, memory stays flat."""

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from netvsc_bpf.lab.objects_alive import Object, alive, pinned
from netvsc_bpf.lab.sandbox import BPFFS
from tests.soak.scene import Broken, Scene

_COMPLAINT = re.compile(r"WARNING: |BUG: |Oops|general protection|unregister_netdevice: waiting")
_MEMORY_KB = 4096
"""How much a manager may grow while it lives: the buffer of its events fills."""
_MORE = 4
"""Descriptors and threads more than when it was warm: of a moment, as a command that is answered."""
_WARM_LOOKS = 2
"""Looks until a manager is warm: each of its threads starts with the first thing that it has to do."""
_AT_REST_S = 3.0
"""How long pins stay as they are at rest. home gets its link a while after its VF (deferred_steps.py)."""
_REST_COMES_S = 30.0
_UNEXPECTED = frozenset({"failed", "damped", "stalled", "unreachable", "refused"})


class Held(NamedTuple):
    """What one manager holds at a moment of rest."""

    descriptors: int
    threads: int
    resident_kb: int

    @classmethod
    def by(cls, pid: int) -> "Held":
        """Read it from /proc."""
        process = Path(f"/proc/{pid}")
        status = (process / "status").read_text()
        (resident,) = re.findall(r"VmRSS:\s+(\d+)", status)
        return cls(
            len(list((process / "fd").iterdir())), len(list((process / "task").iterdir())), int(resident)
        )


@dataclass(slots=True)
class Plateau:
    """What a manager may hold: as much as until it was warm, and a little more."""

    pid: int
    held: list[Held] = field(default_factory=list)

    def check(self, now: Held) -> None:
        """Raise Broken if it holds more and more."""
        if len(self.held) < _WARM_LOOKS:
            self.held.append(now)
            return
        most = Held(*map(max, zip(*self.held, strict=True)))
        if now.resident_kb > most.resident_kb + _MEMORY_KB:
            raise Broken(f"memory is not flat: {most} became {now}")
        if now.descriptors > most.descriptors + _MORE or now.threads > most.threads + _MORE:
            raise Broken(f"the manager leaks: {most} became {now}")


class Watch:
    """Compares what is with what was when everything was warm."""

    def __init__(self, scene: Scene) -> None:
        """Read the state, once the pair is at rest."""
        self._scene = scene
        self._pins = _pins_at_rest()
        self._objects: set[Object] = set()
        self._complaints = _complaints()
        self._plateau = Plateau(scene.process.pid)
        self._events = len(scene.events)

    def look(self) -> None:
        """Raise Broken if something does not hold."""
        self._leaks()
        self._manager()
        if new := [line for line in _complaints() if line not in self._complaints]:
            raise Broken(f"the kernel complained: {new}")

    def _leaks(self) -> None:
        # By name: a VF that was plugged in again has another ifindex, and its pins are named by it.
        pins = _pins_at_rest()
        if len(pins) != len(self._pins):
            raise Broken(f"{len(pins)} pins, not {len(self._pins)}: {sorted(pins ^ self._pins)}")
        now = pinned(BPFFS / name for name in pins)
        if left := alive(self._objects - now):
            raise Broken(f"objects live on without a pin: {sorted(left)}")
        self._objects |= now

    def _manager(self) -> None:
        scene = self._scene
        fresh = scene.events[self._events :]
        self._events = len(scene.events)
        if bad := [event for event in fresh if event["event"] in _UNEXPECTED]:
            raise Broken(f"the manager reported {bad}")
        if scene.noise:
            raise Broken(f"the manager wrote {scene.noise}")
        if scene.process.pid != self._plateau.pid:
            self._plateau = Plateau(scene.process.pid)
        self._plateau.check(Held.by(scene.process.pid))


def _pins_at_rest() -> set[str]:
    """Return the pins once they have not changed for a while. Raises Broken if they go on changing."""
    deadline = time.monotonic() + _REST_COMES_S
    pins, since = _pins(), time.monotonic()
    while time.monotonic() < since + _AT_REST_S:
        if time.monotonic() > deadline:
            raise Broken(f"pins go on changing: {sorted(pins)}")
        time.sleep(0.1)
        if (now := _pins()) != pins:
            pins, since = now, time.monotonic()
    return pins


def _pins() -> set[str]:
    # The kernel puts two iterators of its own (*.debug) into every new bpffs.
    found = (path for path in BPFFS.rglob("*") if path.suffix != ".debug" and path.is_file())
    return {str(path.relative_to(BPFFS)) for path in found}


def _complaints() -> list[str]:
    """Return the complaints in the kernel's log; none if this process may not read it."""
    log = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
    return [line for line in log.splitlines() if _COMPLAINT.search(line)]
