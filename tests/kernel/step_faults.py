# SPDX-License-Identifier: GPL-2.0-only
"""Making one kind of the manager's steps go wrong: at its n-th call to the kernel, or right after it."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from netvsc_bpf.datapath.sync_addresses import AddressSyncer, Lists
from netvsc_bpf.kernel.hooks import tcx
from netvsc_bpf.manager.reconcile.current_step import FollowLists
from netvsc_bpf.manager.reconcile.executor import Executor
from netvsc_bpf.manager.sync import address_lists
from netvsc_bpf.planner.actions import Action
from tests.kernel.faults import Steps, changes, stepping


@dataclass
class Within(Steps):
    """Counts the calls that change something while a thread takes a step of this kind.

    ``names`` and ``at`` are about the calls within; ``steps`` counts the steps of that kind.
    """

    kind: str = ""
    nth: int | None = None
    """Of the steps of that kind, the one that is meant; None: each."""
    before: Callable[[], None] = lambda: None
    """Done before the step."""
    after: Callable[[], None] = lambda: None
    """Done after the step, if it went well."""
    steps: int = 0
    _here: threading.local = field(default_factory=threading.local)

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        counted = super().wrap(name, function)

        def call(*args: Any, **kwargs: Any) -> Any:
            # Asking whether there is tcx is no change, and its normal answer is an error.
            asks = name == "link_create" and args[1] == tcx.NO_SUCH_DEVICE
            meant = getattr(self._here, "meant", False) and changes([name]) and not asks
            return (counted if meant else function)(*args, **kwargs)

        return call

    def run(self, executor: Executor, action: Action, real: Callable[..., str | None]) -> str | None:
        if type(action).__name__ != self.kind:
            return real(executor, action)
        self.steps += 1
        self._here.meant = self.nth in (None, self.steps)
        try:
            if self._here.meant:
                self.before()
            refused = real(executor, action)
            if self._here.meant:
                self.after()
            return refused
        finally:
            self._here.meant = False


@contextmanager
def within(steps: Within) -> Iterator[Within]:
    """Let it happen for the time of the block."""
    real = Executor.run
    with stepping(steps), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Executor, "run", lambda executor, action: steps.run(executor, action, real))
        yield steps


@contextmanager
def failing(kind: str, at: int, number: int) -> Iterator[Within]:
    """Let the steps of this kind fail with an errno at their call number ``at``."""

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    with within(Within(at=at, then=fail, kind=kind)) as steps:
        yield steps


@contextmanager
def hanging(kind: str, nth: int, wait: Callable[[], object], number: int) -> Iterator[None]:
    """Let the n-th step of this kind wait at its first call, which then fails with an errno (0: it works)."""

    def hang() -> None:
        wait()
        if number:
            raise OSError(number, os.strerror(number))

    if kind == FollowLists.__name__:
        with _lists_hanging(hang):
            yield
    else:
        with within(Within(at=0, then=hang, kind=kind, nth=nth)):
            yield


@contextmanager
def _lists_hanging(hang: Callable[[], None]) -> Iterator[None]:
    """Let the first change of a VF's address lists that is no part of joining hang."""
    hangs = iter([hang])

    class HangingSyncer(AddressSyncer):
        def sync(self, lists: Lists, vf: int) -> None:
            for now in hangs:
                now()
            super().sync(lists, vf)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(address_lists, "AddressSyncer", HangingSyncer)
        yield
