# SPDX-License-Identifier: GPL-2.0-only
"""Threads of the model checker (checker.py), put together one instruction at a time."""

from collections.abc import Collection
from dataclasses import dataclass, replace

END = "end"
"""The label behind the last instruction."""


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction. `name` is what the C calls it; it is empty for what no other thread can see."""

    op: str
    name: str = ""
    variable: str = ""
    register: str = ""
    value: int | str = 0
    """A number, or a register's name."""
    target: int = 0


class Program:
    """One thread. Each method appends one instruction, unless its name is among those `without`."""

    def __init__(self, without: Collection[str] = ()) -> None:
        self._steps: list[Step] = []
        self._without = without
        self._labels: dict[str, int] = {}
        self._jumps: list[tuple[int, str]] = []

    def load(self, name: str, register: str, variable: str) -> None:
        self._add(Step("load", name, variable, register))

    def store(self, name: str, variable: str, value: int) -> None:
        self._add(Step("store", name, variable, value=value))

    def add(self, name: str, variable: str) -> None:
        """Add 1 and ask for nothing: the compiler takes an instruction that orders nothing."""
        self._add(Step("add", name, variable, value=1))

    def add_between_barriers(self, name: str, variable: str) -> None:
        """Add 1. The thread does nothing else until that is visible, nor before all earlier writes are."""
        self._add(Step("add_between_barriers", name, variable, value=1))

    def barrier(self, name: str) -> None:
        """As latch_barrier()."""
        self._add(Step("barrier", name))

    def exchange(self, name: str, register: str, variable: str, value: int) -> None:
        self._add(Step("exchange", name, variable, register, value))

    def compare_and_swap(self, name: str, register: str, variable: str) -> None:
        """Make 0 a 1, and keep what was there."""
        self._add(Step("compare_and_swap", name, variable, register))

    def set_bits(self, name: str, variable: str, bits: int) -> None:
        """As the kernel's test_and_set_bit()."""
        self._add(Step("set_bits", name, variable, value=bits))

    def clear_bits(self, name: str, variable: str, bits: int) -> None:
        self._add(Step("clear_bits", name, variable, value=bits))

    def go_if(self, register: str, value: int | str, label: str = END) -> None:
        """Go on at `label` if the register is `value`, or is what the register of that name is."""
        self._jump(Step("if", register=register, value=value), label)

    def go_unless(self, register: str, value: int | str, label: str = END) -> None:
        self._jump(Step("unless", register=register, value=value), label)

    def goto(self, label: str) -> None:
        self._jump(Step("goto"), label)

    def label(self, label: str) -> None:
        self._labels[label] = len(self._steps)

    def has(self, name: str) -> bool:
        """Whether this version has a step at all."""
        return name not in self._without

    def done(self) -> tuple[Step, ...]:
        """Return the instructions, with each jump's target."""
        self._labels[END] = len(self._steps)
        steps = list(self._steps)
        for at, label in self._jumps:
            steps[at] = replace(steps[at], target=self._labels[label])
        return tuple(steps)

    def _jump(self, step: Step, label: str) -> None:
        self._jumps.append((len(self._steps), label))
        self._steps.append(step)

    def _add(self, step: Step) -> None:
        if self.has(step.name):
            self._steps.append(step)
