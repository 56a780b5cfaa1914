# SPDX-License-Identifier: GPL-2.0-only
"""A model checker: visits every state of any order of steps, on a machine that reorders like arm64.

Each state is visited once, so a search that ends without a violation has seen every interleaving. What a
processor may do on its own, besides the instructions in their order (Arm Architecture Reference Manual,
B2.3; a write becomes visible to all other processors at once there, so one memory is enough):

* a plain store, and an atomic addition whose result is not used, is delayed and becomes visible later; those
  to different variables in any order;
* a plain load may be made early, ahead of all that stands before it, up to the last full barrier.

Atomics that return a value are full barriers: `SWPAL`, `CASAL`, or a loop with `DMB ISH` behind
it (arch/arm64/net/bpf_jit_comp.c). So are the kernel's own test_and_set_bit(), and clear_bit() with
smp_mb__after_atomic().
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tests.unit.latch.program import Step

_JUMPS = ("if", "unless", "goto")
_Memory = tuple[int, ...]
_Pairs = tuple[tuple[int, int], ...]


class _Thread(NamedTuple):
    """Where a thread is. `waiting`, oldest first: (variable, value) stores, (variable, None) adds 1."""

    at: int = 0
    registers: tuple[tuple[str, int], ...] = ()
    waiting: tuple[tuple[int, int | None], ...] = ()
    early: _Pairs = ()
    """What loads further on have read already: (place of the load, value)."""


_State = tuple[_Memory, tuple[_Thread, ...]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search found."""

    states: int
    trace: tuple[str, ...] | None
    """The steps that lead to a violation, None where there is none."""


def search(
    threads: Mapping[str, tuple[Step, ...]],
    memory: Mapping[str, int],
    holds: Callable[[Mapping[str, int]], bool],
    *,
    reorders: bool = True,
) -> Outcome:
    """Visit every state; `holds` is asked of the memory wherever all threads have ended."""
    machine = _Machine(tuple(threads), tuple(threads.values()), tuple(memory), reorders)
    start: _State = (tuple(memory.values()), tuple(map(machine.begin, range(len(threads)))))
    came_from: dict[_State, tuple[_State, str] | None] = {start: None}
    to_do = [start]
    while to_do:
        state = to_do.pop()
        followers = list(machine.followers(state))
        if not followers and not holds(dict(zip(memory, state[0], strict=True))):
            return Outcome(len(came_from), _trace(came_from, state))
        for what, follower in followers:
            if follower not in came_from:
                came_from[follower] = (state, what)
                to_do.append(follower)
    return Outcome(len(came_from), None)


def _trace(came_from: Mapping[_State, tuple[_State, str] | None], state: _State) -> tuple[str, ...]:
    steps = []
    while (origin := came_from[state]) is not None:
        state, what = origin
        steps.append(what)
    return tuple(reversed(steps))


class _Machine:
    def __init__(
        self,
        names: tuple[str, ...],
        programs: tuple[tuple[Step, ...], ...],
        variables: tuple[str, ...],
        reorders: bool,
    ) -> None:
        self._names = names
        self._programs = programs
        self._needed = tuple(map(_needed, programs))
        self._index = {variable: at for at, variable in enumerate(variables)}
        self._reorders = reorders

    def begin(self, number: int) -> _Thread:
        """Return a thread that has done nothing that others can see."""
        return self._settled(number, _Thread())

    def followers(self, state: _State) -> Iterator[tuple[str, _State]]:
        """Yield what can happen next, in words, and the state after it."""
        memory, threads = state
        for number, thread in enumerate(threads):
            for what, new_memory, new_thread in self._moves(number, thread, memory):
                changed = (*threads[:number], new_thread, *threads[number + 1 :])
                yield f"{self._names[number]}: {what}", (new_memory, changed)

    def _moves(self, number: int, thread: _Thread, memory: _Memory) -> Iterator[tuple[str, _Memory, _Thread]]:
        program = self._programs[number]
        seen = set()
        for place, (variable, value) in enumerate(thread.waiting):
            if variable not in seen:
                seen.add(variable)
                left = thread.waiting[:place] + thread.waiting[place + 1 :]
                now = memory[variable] + 1 if value is None else value
                after = _Thread(thread.at, thread.registers, left, thread.early)
                yield "a write becomes visible", _put(memory, variable, now), after
        if thread.at < len(program):
            yield from self._execute(number, thread, memory)
            if self._reorders:
                yield from self._load_early(program, thread, memory)

    def _execute(
        self, number: int, thread: _Thread, memory: _Memory
    ) -> Iterator[tuple[str, _Memory, _Thread]]:
        step = self._programs[number][thread.at]
        registers, waiting = dict(thread.registers), thread.waiting
        if step.op == "load":
            early, variable = dict(thread.early), self._index[step.variable]
            value = early[thread.at] if thread.at in early else _seen(variable, waiting, memory)
            registers[step.register] = value
        elif waiting:
            return  # a full barrier waits until all is visible
        elif step.op != "barrier":
            variable = self._index[step.variable]
            before = memory[variable]
            memory = _put(memory, variable, _changed(step, before))
            registers[step.register] = before
        after = _Thread(thread.at + 1, tuple(sorted(registers.items())), waiting, thread.early)
        yield step.name, memory, self._settled(number, after)

    def _load_early(
        self, program: tuple[Step, ...], thread: _Thread, memory: _Memory
    ) -> Iterator[tuple[str, _Memory, _Thread]]:
        """Loads that stand further on, along the way on which no jump is taken."""
        touched: set[str] = set()
        done = dict(thread.early)
        for place in range(thread.at, len(program)):
            step = program[place]
            if step.op in _JUMPS:
                continue
            if step.op not in ("load", "store", "add"):
                return
            if step.op == "load" and place > thread.at and place not in done and step.variable not in touched:
                value = _seen(self._index[step.variable], thread.waiting, memory)
                early = (*thread.early, (place, value))
                after = _Thread(thread.at, thread.registers, thread.waiting, tuple(sorted(early)))
                yield f"{step.name}, early", memory, after
            if place not in done:
                touched.add(step.variable)

    def _settled(self, number: int, thread: _Thread) -> _Thread:
        """Go on to the next step that matters to others, and forget what is not needed any more.

        Jumps and delayed writes are not visible to other threads.
        """
        program = self._programs[number]
        at, registers, waiting = thread.at, dict(thread.registers), thread.waiting
        while at < len(program):
            step = program[at]
            if step.op in _JUMPS:
                at = step.target if _jumps(step, registers) else at + 1
            elif step.op in ("store", "add") and self._reorders:
                written = None if step.op == "add" else _number(step.value)
                waiting = (*waiting, (self._index[step.variable], written))
                at += 1
            else:
                break
        if at == len(program):
            return _Thread(at, (), waiting)
        needed = self._needed[number][at]
        kept = tuple(one for one in thread.registers if one[0] in needed)
        return _Thread(at, kept, waiting, tuple(one for one in thread.early if one[0] >= at))


def _needed(program: tuple[Step, ...]) -> tuple[frozenset[int | str], ...]:
    """The registers that a jump from each place on asks for."""
    return tuple(
        frozenset(name for step in program[at:] if step.op in _JUMPS for name in (step.register, step.value))
        for at in range(len(program))
    )


def _jumps(step: Step, registers: Mapping[str, int]) -> bool:
    if step.op == "goto":
        return True
    wanted = registers[step.value] if isinstance(step.value, str) else step.value
    return (registers[step.register] == wanted) == (step.op == "if")


def _seen(variable: int, waiting: tuple[tuple[int, int | None], ...], memory: _Memory) -> int:
    """What a thread reads: its own writes come first."""
    value = memory[variable]
    for written, what in waiting:
        if written == variable:
            value = value + 1 if what is None else what
    return value


def _changed(step: Step, before: int) -> int:
    value = _number(step.value)
    match step.op:
        case "store" | "exchange":
            return value
        case "add" | "add_between_barriers":
            return before + value
        case "compare_and_swap":
            return before or 1
        case "set_bits":
            return before | value
        case "clear_bits":
            return before & ~value
    raise ValueError(step.op)


def _number(value: int | str) -> int:
    assert isinstance(value, int)
    return value


def _put(memory: _Memory, variable: int, value: int) -> _Memory:
    return (*memory[:variable], value, *memory[variable + 1 :])
