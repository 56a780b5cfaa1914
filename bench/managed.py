# SPDX-License-Identifier: GPL-2.0-only
"""`netvsc-bpf run` as a process in the guest of a lab, and its pairs, read from the maps."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from types import TracebackType
from typing import Any, Self

from netvsc_bpf import datapath
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NetvscBpfError
from tests.kernel.support import manager_log

_PATIENCE_S = 120.0
REST_S = 20.0
"""From the last VF in use until nothing is left to do: announcements are repeated, home gets its links."""
UNDAMPED = "[damping]\npenalty = 1e-6\n"
"""For measurements that take the VF away more often than any host does."""


class Managed:
    """One manager of all pairs of a lab; what it writes that is no event is `noise`."""

    def __init__(self, lab: Lab, settle_ms: int, configuration: str = "") -> None:
        self.lab = lab
        self.events: list[dict[str, Any]] = []
        self.noise: list[str] = []
        names = [lab.plan.pair(number).synthetic for number in range(lab.plan.pairs)]
        self._file = tempfile.NamedTemporaryFile("w", suffix=".toml")  # noqa: SIM115  # closed in __exit__
        self._file.write(configuration)
        self._file.flush()
        options = ["--config", self._file.name, "--any-bus", "--settle", str(settle_ms), "--log-json"]
        self._command = [sys.executable, "-m", "netvsc_bpf.cli.main", "--netns", lab.guest, "run"]
        self._command += [*options, *names]
        self.start()

    def start(self) -> None:
        """Start it, or another one after it was killed."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self._command, text=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._reader = manager_log.following(self.process, self.events, self.noise)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._file.close()
        self.lab.in_guest(datapath.detach_all)

    def kill(self) -> None:
        """End it as the out-of-memory killer does."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def events_of(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind until now."""
        return [event for event in list(self.events) if event["event"] == kind]

    def wait(self, what: str, holds: Callable[[], bool], pause_s: float = 0.01) -> None:
        """Return once it holds. Raises NetvscBpfError where the manager ends, or it never does."""
        deadline = time.monotonic() + _PATIENCE_S
        while not holds():
            if self.process.poll() is not None:
                raise NetvscBpfError(f"wait for {what}", f"the manager ended: {''.join(self.noise[-20:])}")
            if time.monotonic() > deadline:
                last = [event["text"] for event in self.events[-5:]]
                raise NetvscBpfError(f"wait for {what}", f"nothing in {_PATIENCE_S:.0f} s; last: {last}")
            time.sleep(pause_s)


class PairStates:
    """Armed or not, of all pairs of a lab: from the pinned maps, without a process or a word of the product.

    Make it once all pairs are attached: slots stay as long as they are.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._loaded = lab.in_guest(lambda: LoadedObject(NetnsPins(namespaces.current_inode())))
        self._slots = []
        for number in range(lab.plan.pairs):
            slot = find_pair_slot(self._loaded, lab.ifindex(lab.guest, lab.plan.pair(number).synthetic))
            if slot is None:
                raise NetvscBpfError("read the pairs", f"pair {number} is not attached")
            self._slots.append(slot)

    def close(self) -> None:
        """Close the maps."""
        self._loaded.close()

    def armed(self) -> int:
        """Return how many pairs use their VF."""
        return sum(bool(self._loaded.pair(slot).armed) for slot in self._slots)

    def is_armed(self, number: int) -> bool:
        """Return whether this pair uses its VF."""
        return bool(self._loaded.pair(self._slots[number]).armed)

    def changed_at(self, number: int = 0) -> int:
        """Return when the path of a pair last changed: CLOCK_MONOTONIC, in ns."""
        return int(self._loaded.pair(self._slots[number]).changed_at)

    def steered(self, number: int = 0) -> int:
        """Return how many packets of a pair went out through a VF."""
        return int(self._loaded.counters(self._slots[number]).tx[1].packets)


def attached(lab: Lab) -> int:
    """Return how many pairs are attached."""

    def count() -> int:
        home = NetnsPins(namespaces.current_inode()).home
        return sum(1 for _ in home.glob("pair_*/steer"))

    return lab.in_guest(count)


def wait_until_used(manager: Managed) -> None:
    """Return once the VFs of all pairs are in use."""
    lab = manager.lab
    manager.wait("all pairs", lambda: attached(lab) == lab.plan.pairs, 0.1)
    with closing(PairStates(lab)) as states:
        manager.wait("all VFs in use", lambda: states.armed() == lab.plan.pairs, 0.05)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000 * len(ordered)) // 1000) - 1))]
