# SPDX-License-Identifier: GPL-2.0-only
"""The processes of `make test` run each test file once, and leave out none."""

from collections import Counter
from pathlib import Path

from tests.run import PARTS, REPO


def files_of(arguments: list[str]) -> set[Path]:
    ignored = [REPO / one.removeprefix("--ignore=") for one in arguments if one.startswith("--ignore=")]
    found: set[Path] = set()
    for one in arguments:
        path = REPO / one
        if not one.startswith("--"):
            found |= {path} if path.is_file() else set(path.rglob("test_*.py"))
    return {path for path in found if not any(folder in path.parents for folder in ignored)}


def test_each_file_is_run_by_one_process() -> None:
    count = Counter(path for arguments in PARTS.values() for path in files_of(list(arguments)))
    every = {path for folder in ("unit", "kernel") for path in (REPO / "tests" / folder).rglob("test_*.py")}
    assert set(count) == every
    assert [path for path, times in count.items() if times > 1] == []
