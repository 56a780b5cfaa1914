# SPDX-License-Identifier: GPL-2.0-only
"""Every operation disturbed at every one of its steps: `make fault-test`. The test suite takes a sample.

Killed before each system call that changes something. Failed at calls of every kind, each several times, with
ENOMEM, EMFILE, EINTR and ENOSPC in turn.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.disturbing import Case, each, fail, failing_calls, kill, killing_calls
from tests.kernel.support.operations import OPERATIONS, PLAN, RUN, Operation, Scene, scene
from tests.kernel.support.versions import Versions

Check = Callable[[Scene, Case], None]


def sweep(name: str, seed: int, rounds: int, only: str) -> tuple[int, list[str]]:
    """Disturb all operations; return how many cases there were, and what was wrong with which."""
    count, wrong = 0, []
    operations = (*OPERATIONS, RUN) if name == "kill" else OPERATIONS
    for operation in operations:
        if only not in ("", operation.name):
            continue
        begun = time.monotonic()
        with ExitStack() as undo:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
            versions = Versions(folder, undo.enter_context(pytest.MonkeyPatch.context()))
            here = undo.enter_context(scene(undo.enter_context(Lab(PLAN)), versions))
            cases, check = _cases(name, here, operation, seed, rounds)
            found = each(here, cases, check)
        print(
            f"{name} {operation.name}: {len(cases)} cases, {len(found)} wrong, "
            f"{time.monotonic() - begun:.0f} s",
            flush=True,
        )
        print(*found, sep="\n", end="\n" if found else "", flush=True)
        count, wrong = count + len(cases), wrong + found
    return count, wrong


def _cases(name: str, here: Scene, operation: Operation, seed: int, rounds: int) -> tuple[list[Case], Check]:
    if name == "kill":
        return killing_calls(here, operation) * rounds, kill
    return failing_calls(here, operation, seed, rounds), fail


@click.command()
@click.option("--seed", default=93, show_default=True, help="Of the dice: which calls of a kind fail.")
@click.option("--rounds", default=1, show_default=True, help="Kills before each change.")
@click.option("--per-kind", default=2, show_default=True, help="Calls of each kind that fail.")
@click.option("--only", default="", help="The operation to disturb.")
def main(seed: int, rounds: int, per_kind: int, only: str) -> None:
    """Disturb everything."""
    enter_sandbox()
    results = [sweep("kill", seed, rounds, only), sweep("fail", seed, per_kind, only)]
    for name, (count, wrong) in zip(("kills", "failed calls"), results, strict=True):
        print(f"{name}: {count}, wrong: {len(wrong)}")
    sys.exit(any(wrong for _, wrong in results))


if __name__ == "__main__":
    main()
