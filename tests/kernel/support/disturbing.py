# SPDX-License-Identifier: GPL-2.0-only
"""Disturbing an operation at one of its system calls, and what has to hold then."""

import errno
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.path import Path
from tests.kernel.support.commands_inside import command
from tests.kernel.support.operations import Operation, Scene
from tests.kernel.support.supervised import GO_ON, KILL, Judge, Outcome, supervised
from tests.kernel.support.system_calls import SystemCall

ERRNOS = (errno.ENOMEM, errno.EMFILE, errno.EINTR, errno.ENOSPC)
_BARE_EVERY = 3
"""At every so many calls everything is detached in one go, in place of the operation's being finished."""


@dataclass(frozen=True)
class Case:
    """The call of an operation that is disturbed, by its number."""

    operation: Operation
    at: int
    call: str
    number: int = 0
    """The errno that it fails with; 0: who makes it is killed before it."""

    def __str__(self) -> str:
        how = errno.errorcode[self.number] if self.number else "SIGKILL"
        return f"{self.operation.name}: {how} at call {self.at}, {self.call}"


def failing_calls(scene: Scene, operation: Operation, seed: int, per_kind: int) -> list[Case]:
    """Return calls of each kind, by the dice, each with an errno."""
    dice = random.Random(seed)
    kinds: dict[tuple[str, bool], list[int]] = {}
    outcome = _undisturbed(scene, operation)
    for at, call in enumerate(outcome.calls):
        if call.counts:
            kinds.setdefault((str(call), call.process == outcome.process), []).append(at)
    chosen = [at for calls in kinds.values() for at in dice.sample(calls, min(per_kind, len(calls)))]
    turn = dice.randrange(len(ERRNOS))
    return [
        Case(operation, at, str(outcome.calls[at]), ERRNOS[(turn + number) % len(ERRNOS)])
        for number, at in enumerate(sorted(chosen))
    ]


def killing_calls(scene: Scene, operation: Operation, *, compiler: bool = False) -> list[Case]:
    """Return every call that changes something: of the process itself, or of the compiler that it starts."""
    outcome = _undisturbed(scene, operation)
    return [
        Case(operation, at, str(call))
        for at, call in enumerate(outcome.calls)
        if call.changes and (call.process != outcome.process) == compiler
    ]


def fail(scene: Scene, case: Case) -> None:
    """Let a call fail, and see that nothing is lost and that it can be done again."""
    outcome = _disturbed(scene, case, case.number)
    operation, where = case.operation, f"{case} -> {outcome.error} {outcome.text}"
    _expect(where, (outcome.bug, outcome.status), ("", 0))
    _expect(where, len(outcome.text.splitlines()) <= 1, True)
    if not operation.renews:
        _expect(where, scene.path("eth1"), Path.VF)
    if operation.whole and outcome.error and not scene.attached:
        scene.assert_as_found(where)
    _mend(scene, case, where)


def kill(scene: Scene, case: Case) -> None:
    """Kill who makes a call, then use every command, and see that nothing is left."""
    operation, outcome = case.operation, _disturbed(scene, case, KILL)
    where = f"{case} -> {outcome.error} {outcome.text}"
    _expect(where, outcome.bug, "")
    if not operation.renews:
        _expect(where, scene.path("eth1"), Path.VF)
    for arguments, codes in _commands(scene):
        ended = command(scene.lab, *arguments)
        said = f"{where}; then {' '.join(arguments)}: {ended.returncode} {ended.stdout}{ended.stderr}"
        _expect(said, ended.returncode in codes, True)
        _expect(said, "Traceback" in ended.stderr, False)
    if case.at % _BARE_EVERY == 1:
        operation.finish(scene)
        scene.assert_bare(where)
        scene.begin()
    else:
        _mend(scene, case, where)


def _commands(scene: Scene) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    yield ("status",), (0,)
    yield ("status", "eth0", "--json"), (0, 3)
    yield ("metrics",), (0,)
    yield ("doctor",), (0, 1)
    yield ("events",), (0, 1, 3)
    yield ("attach", "eth1", "--vf", "vf1", "--any-bus", "--settle", "10"), (0,)


def _mend(scene: Scene, case: Case, where: str) -> None:
    operation = case.operation
    operation.again(scene)
    _expect(where, operation.done(scene), True)
    operation.finish(scene)
    if operation.renews:
        scene.assert_bare(where)
        scene.begin()
    else:
        scene.detach()
        scene.assert_as_found(where)


def _undisturbed(scene: Scene, operation: Operation) -> Outcome:
    operation.prepare(scene)
    outcome = _work(scene, operation)
    status = KILL if operation.endless else 0
    _expect(operation.name, (outcome.status, outcome.error, outcome.bug), (status, "", ""))
    _mend(scene, Case(operation, 0, "none"), f"{operation.name}, undisturbed")
    return outcome


def _disturbed(scene: Scene, case: Case, verdict: int) -> Outcome:
    case.operation.prepare(scene)
    return _work(scene, case.operation, _at(case.at, verdict))


def _work(scene: Scene, operation: Operation, judge: Judge = lambda call: GO_ON) -> Outcome:
    until = (lambda: operation.done(scene)) if operation.endless else None
    return supervised(scene.lab, operation.work, judge, until)


def _at(number: int, verdict: int) -> Judge:
    left: Iterable[int] = iter([GO_ON] * number + [verdict])

    def judge(call: SystemCall) -> int:
        return next(iter(left), GO_ON)

    return judge


def each(scene: Scene, cases: Iterable[Case], check: Callable[[Scene, Case], None]) -> list[str]:
    """Check all cases; return what was wrong, case by case."""
    wrong = []
    for case in cases:
        try:
            check(scene, case)
        except (AssertionError, NetvscBpfError) as error:
            wrong.append(f"{case}: {error!r}")
            scene.restore()
    return wrong


def _expect(where: str, seen: object, wanted: object) -> None:
    if seen != wanted:
        raise AssertionError(f"{where}: {seen}, not {wanted}")
