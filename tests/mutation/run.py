# SPDX-License-Identifier: GPL-2.0-only
"""``python -m tests.mutation.run``: apply each mutation to a copy of the checkout; its tests must fail.

Arguments choose mutations by a part of their names. The exit status is 0 if the tests noticed each, and 1 if
one survived, cannot be applied, or is no program at all.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutation.maintenance import MAINTENANCE
from tests.mutation.mutation import Mutation, StaleMutation
from tests.mutation.programs import PROGRAMS
from tests.mutation.python import PYTHON

REPO = Path(__file__).parents[2]
ALL = (*PROGRAMS, *PYTHON, *MAINTENANCE)

_COPIED = ("netvsc_bpf", "cli", "ebpf", "tests", "pyproject.toml")
_READ = ("bench", "deploy", "docs", "scripts")
"""What some tests read: not worth a copy."""
_PARTS_OF_THE_PACKAGE = ("cli", "ebpf")
_LIMIT_S = 300
_PASSED, _FAILED = 0, 1  # pytest.ExitCode


class Verdict(StrEnum):
    """What became of one mutation."""

    NOTICED = "noticed"
    SURVIVED = "SURVIVED"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict, and why where it is not as it should be."""

    verdict: Verdict
    why: str = ""


def copy(repo: Path, folder: Path) -> None:
    """Copy what tests import; there `netvsc_bpf.cli` is found beside the package's own modules."""
    for name in _COPIED:
        source = repo / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, folder / name)
    for name in _READ:
        (folder / name).symlink_to(repo / name)
    for name in _PARTS_OF_THE_PACKAGE:
        if (folder / name).exists():
            (folder / "netvsc_bpf" / name).symlink_to(folder / name)


def judge(mutation: Mutation, repo: Path = REPO) -> Result:
    """Try one mutation. What does not compile is no mutation: every test would notice."""
    with TemporaryDirectory(prefix="netvsc-bpf-mutation-") as place:
        folder = Path(place)
        copy(repo, folder)
        try:
            mutated = mutation.applied(folder)
        except StaleMutation as error:
            return Result(Verdict.BROKEN, str(error))
        (folder / mutation.file).write_text(mutated)
        if (complaint := _complaint(folder, mutation.file)) is not None:
            return Result(Verdict.BROKEN, complaint)
        ran = _pytest(folder, mutation.tests)
    if ran.returncode == _FAILED:
        return Result(Verdict.NOTICED)
    if ran.returncode == _PASSED:
        return Result(Verdict.SURVIVED, " ".join(mutation.tests))
    return Result(Verdict.BROKEN, ran.stdout)


def untouched(tests: Sequence[str], repo: Path = REPO) -> str:
    """Return what fails without any mutation, which would notice everything; empty if nothing does."""
    with TemporaryDirectory(prefix="netvsc-bpf-mutation-") as place:
        copy(repo, Path(place))
        ran = _pytest(Path(place), tests)
    return "" if ran.returncode == _PASSED else ran.stdout


def _pytest(folder: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, _FAILED, "")  # a timeout counts as noticed


def _complaint(folder: Path, file: str) -> str | None:
    if file.endswith(".py"):
        try:
            ast.parse((folder / file).read_text())
        except SyntaxError as error:
            return str(error)
        return None
    here = folder / "tests/unit/programs"
    rung = ["-DRUNG=3", "-DLIVENESS_FENTRY_NUMBER=3"]
    includes = [f"-I{folder / 'ebpf'}", f"-I{here}"]
    compiled = subprocess.run(
        ["gcc", "-fsyntax-only", "-w", *rung, *includes, str(here / "host.c")],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return compiled.stderr if compiled.returncode else None


def main(arguments: Sequence[str]) -> int:
    """Try all mutations, or those whose names contain one of the arguments; return the exit status."""
    chosen = [one for one in ALL if not arguments or any(part in one.name for part in arguments)]
    if not chosen:
        print("mutation-test: there is no such mutation")
        return 1
    tests = sorted({test for one in chosen for test in one.tests})
    if failing := untouched(tests):
        print(f"mutation-test: without any mutation these tests fail:\n{failing}")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = 0
        for one, result in zip(chosen, pool.map(judge, chosen), strict=True):
            print(f"mutation-test: {result.verdict:8} {one.file}: {one.name}", flush=True)
            if result.verdict is not Verdict.NOTICED:
                bad += 1
                print(f"    {result.why}", flush=True)
    print(f"mutation-test: {len(chosen)} mutations, {len(chosen) - bad} noticed, {bad} not")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
