# SPDX-License-Identifier: GPL-2.0-only
"""What must hold throughout: nothing leaks, nothing complains, memory stays flat."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.lab.objects_alive import Object, alive, pinned
from netvsc_bpf.lab.sandbox import BPFFS
from tests.soak.scene import Broken, Scene

_COMPLAINT = re.compile(r"WARNING: |BUG: |Oops|general protection|unregister_netdevice: waiting")
_MEMORY_KB = 4096
"""How much a manager may grow while it lives: the buffer of its events fills."""
_UNEXPECTED = frozenset({"failed", "damped", "stalled", "unreachable", "refused"})


@dataclass(frozen=True, slots=True)
class Held:
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


class Watch:
    """Compares what is with what was when everything was warm."""

    def __init__(self, scene: Scene) -> None:
        """Read the state; the pair is at rest."""
        self._scene = scene
        self._pins = _pins()
        self._objects: set[Object] = set()
        self._complaints = _complaints()
        self._pid, self._first = scene.process.pid, Held.by(scene.process.pid)
        self._events = len(scene.events)

    def look(self) -> None:
        """Raise Broken if something does not hold."""
        self._leaks()
        self._manager()
        if new := [line for line in _complaints() if line not in self._complaints]:
            raise Broken(f"the kernel complained: {new}")

    def _leaks(self) -> None:
        # By name: a VF that was plugged in again has another ifindex, and its pins are named by it.
        pins = _pins()
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
        now = Held.by(scene.process.pid)
        if scene.process.pid != self._pid:  # another manager, that is not warm yet
            self._pid, self._first = scene.process.pid, now
        if now.resident_kb > self._first.resident_kb + _MEMORY_KB:
            raise Broken(f"memory is not flat: {self._first} became {now}")
        if now.descriptors > self._first.descriptors + 4 or now.threads > self._first.threads + 4:
            raise Broken(f"the manager leaks: {self._first} became {now}")


def _pins() -> set[str]:
    # The kernel puts two iterators of its own (*.debug) into every new bpffs.
    found = (path for path in BPFFS.rglob("*") if path.suffix != ".debug" and path.is_file())
    return {str(path.relative_to(BPFFS)) for path in found}


def _complaints() -> list[str]:
    """Return the complaints in the kernel's log; none if this process may not read it."""
    log = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
    return [line for line in log.splitlines() if _COMPLAINT.search(line)]
