# SPDX-License-Identifier: GPL-2.0-only
"""The steps of the latch, by the names that they have in ebpf/latch.h, control.c and sentinel.c.

Left out is what decides nothing: counters, events, the clock. A VF that has settled may have settled long
ago, so a look that notes the time can be followed at once by one that arms.
"""

from collections.abc import Collection
from itertools import count

from tests.unit.latch.program import END, Program, Step

DOWN, NO_CARRIER = 1, 2
"""Bits of `state`; 0 is a device that can carry traffic."""

MANUAL, PENDING = 1, 2
"""Values of `returns`; 0 is the policy `auto`."""

MEMORY = {
    "armed": 1,
    "permitted": 1,
    "held": 0,
    "failures": 0,
    "since": 1,
    "vf_dev": 1,
    "state": 0,
    "returns": 0,
}
"""A pair whose VF is the path. Where `armed` is 0 it has settled, and the next look arms."""

Thread = tuple[Step, ...]


class Latch:
    """Threads of the latch, or of a broken one `without` some steps.

    Barriers have names too: "barriers of leave-2", "barrier after return-1". Only with `manual` the steps of
    the return policy are there: what they read never changes otherwise.
    """

    def __init__(
        self, without: Collection[str] = (), *, disarms_first: bool = False, manual: bool = False
    ) -> None:
        self._without = without
        self._disarms_first = disarms_first
        self._manual = manual
        self._labels = count()

    def returner(self, looks: int = 1) -> Thread:
        """steer, guard or control, on a packet while the VF is not the path."""
        program = self._program()
        for number in range(looks):
            after = f"after look {number}"
            self._look(program, after)
            program.label(after)
        return program.done()

    def carrier_lost(self) -> Thread:
        """netif_carrier_off(): the sentinel runs as it is entered and as it returns."""
        program = self._program()
        if program.has("carrier-1"):
            self._leave_its_pair(program, "carrier-1", "stops")
        program.label("stops")
        program.set_bits("the carrier goes", "state", NO_CARRIER)
        if program.has("carrier-2"):
            self._leave_its_pair(program, "carrier-2", END)
        return program.done()

    def stalled(self) -> Thread:
        """A VF that still looks healthy is left: its queue timed out, or userspace found it at fault."""
        program = self._program()
        self._leave(program)
        return program.done()

    def down_and_up(self, *, up: bool = True) -> Thread:
        """An administrator takes the VF down, and brings it up again; the sentinel hears of each step."""
        program = self._program()
        for number, label in ((1, "stops"), (2, "stopped")):
            program.load(f"down-{number}", "its", "vf_dev")
            program.go_if("its", 0, label)
            program.store("hold", "held", 1)
            self._leave(program)
            program.label(label)
            if number == 1:
                program.set_bits("the device stops", "state", DOWN)
        if up:
            program.clear_bits("the device starts", "state", DOWN)
            program.load("up-1", "its", "vf_dev")
            program.go_if("its", 0)
            self._forget(program)
            program.store("up-2", "held", 0)
        return program.done()

    def withdrawn(self, *, permitted_again: bool = False) -> Thread:
        """Userspace takes the permission back, and may give it again."""
        program = self._program()
        program.store("withdraw-1", "permitted", 0)
        self._leave(program)
        program.store("withdraw-2", "vf_dev", 0)
        if permitted_again:
            program.store("permit-1", "vf_dev", 1)
            program.store("permit-2", "held", 0)
            self._forget(program)
            program.store("permit-3", "permitted", 1)
        return program.done()

    def armed_by_command(self) -> Thread:
        """CONTROL_ARM: userspace has looked, and the kernel does not look again."""
        program = self._program()
        program.load("command-1", "permitted", "permitted")
        program.go_if("permitted", 0)
        program.load("command-2", "failures", "failures")
        program.barrier("barrier after command-2")
        self._arm(program, END)
        return program.done()

    def _program(self) -> Program:
        return Program(self._without)

    def _leave_its_pair(self, program: Program, name: str, otherwise: str) -> None:
        program.load(name, "its", "vf_dev")
        program.go_if("its", 0, otherwise)
        self._leave(program)

    def _forget(self, program: Program) -> None:
        program.store("leave-1", "since", 0)
        if program.has("barriers of leave-2"):
            program.add_between_barriers("leave-2", "failures")
        else:
            program.add("leave-2", "failures")

    def _leave(self, program: Program) -> None:
        if self._disarms_first:
            program.exchange("leave-3", "was", "armed", 0)
        self._forget(program)
        if not self._disarms_first:
            program.exchange("leave-3", "was", "armed", 0)
        if self._manual:
            self._hold(program, f"left {next(self._labels)}")

    def _hold(self, program: Program, after: str) -> None:
        program.go_if("was", 0, after)
        program.load("leave-4", "policy", "returns")
        program.go_unless("policy", MANUAL, after)
        program.store("leave-5", "returns", PENDING)
        program.exchange("leave-6", "was", "armed", 0)
        program.label(after)

    def _look(self, program: Program, after: str) -> None:
        program.load("return-1", "failures", "failures")
        program.barrier("barrier after return-1")
        program.load("return-2", "since", "since")
        program.load("return-3", "permitted", "permitted")
        program.go_if("permitted", 0, after)
        if self._manual and program.has("return-9"):
            program.load("return-9", "policy", "returns")
            program.go_if("policy", PENDING, after)
        program.load("return-4", "dev", "vf_dev")
        program.go_if("dev", 0, after)
        program.load("return-5", "held", "held")
        program.go_unless("held", 0, f"unusable, {after}")
        program.load("return-6", "state", "state")
        program.go_unless("state", 0, f"unusable, {after}")
        program.go_unless("since", 0, f"settled, {after}")
        program.store("return-7", "since", 1)
        program.goto(after)
        program.label(f"unusable, {after}")
        program.store("return-8", "since", 0)
        program.goto(after)
        program.label(f"settled, {after}")
        self._arm(program, after)

    def _arm(self, program: Program, after: str) -> None:
        program.compare_and_swap("arm-1", "was", "armed")
        program.go_unless("was", 0, after)
        back = f"taken back, {after}"
        if program.has("arm-2"):
            program.load("arm-2", "now", "failures")
            program.go_unless("now", "failures", back)
        if program.has("arm-3"):
            program.load("arm-3", "permitted", "permitted")
            program.go_if("permitted", 0, back)
        if program.has("arm-4"):
            program.load("arm-4", "held", "held")
            program.go_unless("held", 0, back)
        if self._manual and program.has("arm-5"):
            program.load("arm-5", "policy", "returns")
            program.go_if("policy", PENDING, back)
        program.goto(after)
        program.label(back)
        self._leave(program)
