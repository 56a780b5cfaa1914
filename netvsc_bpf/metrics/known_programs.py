# SPDX-License-Identifier: GPL-2.0-only
"""The programs of a network namespace, cached between scrapes while the kernel does not count their runs.

Their names and tags change only with the directory that they are pinned in (attached again) or with their
build (upgraded), and reading all of them takes a hundred system calls.
"""

from netvsc_bpf.kernel.bpf import pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.bpf.program_stats import ProgramStats, read_program, read_programs

_Key = tuple[int, int]
"""Inode of the directory, build."""


class KnownPrograms:
    """Reads programs, or returns the cached ones."""

    def __init__(self) -> None:
        self._key: _Key | None = None
        self._known: tuple[ProgramStats, ...] = ()

    def __call__(
        self, pins: NetnsPins, build: int, pairs: list[int], *, counted: bool
    ) -> tuple[ProgramStats, ...]:
        """Return the programs; `pairs` are attached, `counted`: the kernel counts runs. Raises OSError."""
        key = pin_files.inode(pins.object), build
        if counted or key != self._key or self._have_run(pins, pairs[0]):
            self._known = tuple(read_programs(pins, pairs))
            self._key = key
        return self._known

    def _have_run(self, pins: NetnsPins, pair: int) -> bool:
        """Return whether runs were counted; that is possible without the sysctl too (BPF_ENABLE_STATS)."""
        if any(program.runs for program in self._known):
            return True
        try:
            return read_program(pins.copy(pair, "steer")).runs > 0
        except FileNotFoundError:
            return True  # it is being detached
