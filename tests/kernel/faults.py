# SPDX-License-Identifier: GPL-2.0-only
"""Making one step of attach go wrong: the n-th call to the kernel, whichever it is.

The steps are found by counting them in an attach that goes well, so that a step added tomorrow is tested too.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from netvsc_bpf.kernel.bpf import libbpf, links, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.net import link_settings
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.topology import Lab

_CHANGES = {
    libbpf: (
        "obj_pin",
        "obj_get",
        "link_create",
        "link_update",
        "map_update",
        "map_delete",
        "map_lookup",
        "test_run",
    ),
    link_settings: tuple(name for name in vars(link_settings) if name.startswith("set_")),
    clsact: ("add_qdisc", "attach", "detach", "replace", "remove_qdisc_if_empty"),
    links: ("remove",),
    pins: ("remove_tree", "move"),
}
"""What attach and detach change the kernel by, and how they look at what is loaded."""
_READS = {"map_lookup", "obj_get"}


@dataclass
class Steps:
    """Counts the calls; at call number ``at`` it does ``then`` before the call, or instead if that raises."""

    at: int | None = None
    then: Callable[[], None] = lambda: None
    names: list[str] = field(default_factory=list)

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            self.names.append(name)
            if len(self.names) - 1 == self.at:
                self.then()
            return function(*args, **kwargs)

        return step


@contextmanager
def stepping(steps: Steps) -> Iterator[Steps]:
    """Count the steps for the time of the block."""
    with pytest.MonkeyPatch.context() as patch:
        for module, names in _CHANGES.items():
            for name in names:
                patch.setattr(module, name, steps.wrap(name, getattr(module, name)))
        yield steps


def changes(names: list[str]) -> list[int]:
    """Return the numbers of the steps that change something."""
    return [number for number, name in enumerate(names) if name not in _READS]


def changes_and_first_reads(names: list[str]) -> list[int]:
    """Return those, and of the many reads the ones that follow a change."""
    return [
        number
        for number, name in enumerate(names)
        if name not in _READS or (number and names[number - 1] not in _READS)
    ]


def killed_at(lab: Lab, at: int, call: Callable[[], object]) -> None:
    """Make the call in the guest, in a process that is killed with SIGKILL before step ``at``."""

    def inside() -> int:
        child = os.fork()
        if child == 0:
            try:
                with stepping(Steps(at, lambda: os.kill(os.getpid(), signal.SIGKILL))):
                    call()
            finally:
                os._exit(1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert lab.in_guest(inside) == -signal.SIGKILL


def slots_in_use(lab: Lab) -> dict[str, list[int]]:
    """Return what the maps of the guest hold: a slot that is not given back shows here and nowhere else."""

    def read() -> dict[str, list[int]]:
        with LoadedObject(NetnsPins(namespaces.current_inode())) as loaded:
            every = range(512)
            return {
                "pairs": [slot for slot in every if bytes(loaded.pair(slot)).strip(b"\0")],
                "homes": [slot for slot in every if bytes(loaded.home(slot)).strip(b"\0")],
                "found": [slot for slot in every if bytes(loaded.found(slot)).strip(b"\0")],
                "paths": [slot for slot in every if loaded.vf_ifindex(slot) is not None],
                "synthetics": [slot for slot in every if loaded.synthetic_ifindex(slot) is not None],
            }

    return lab.in_guest(read)
