# SPDX-License-Identifier: GPL-2.0-only
"""Runs the steps of a Containerfile in copies of a root directory, where there is no container engine.

It understands what deploy/container/Containerfile uses, refuses everything else, and needs root. A stage is
a copy of the base; each RUN is scripts/chroot.sh. Layers, users, and what an engine itself decides are not
tried.

Usage: python -m tests.fleet.containerfile CONTAINERFILE CONTEXT BASE TARGET
"""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHROOT = Path(__file__).resolve().parents[2] / "scripts" / "chroot.sh"


class NotUnderstood(Exception):
    """An instruction, or a form of one, that this does not run."""


@dataclass(slots=True)
class Stage:
    """One stage: its name, root directory and working directory."""

    name: str
    root: Path
    folder: str = "/"
    settings: dict[str, str] = field(default_factory=dict)
    """What an engine would only keep: ENTRYPOINT, CMD."""


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction and its arguments; comments and continued lines as Containerfile(5) has them."""
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        whole = line
        while whole.endswith("\\"):
            whole = whole[:-1] + next(lines)
        name, _, rest = whole.strip().partition(" ")
        yield name.upper(), rest.strip()


def build(text: str, context: Path, base: Path, work: Path) -> Stage:
    """Run every step below `work`; return the last stage.

    Raises NotUnderstood, and subprocess.CalledProcessError where a step fails.
    """
    stages: list[Stage] = []
    for name, rest in instructions(text):
        if name == "ARG" and not stages:
            continue  # the base: here it is what was given
        if name == "FROM":
            image, *named = rest.split()
            if image != "${BASE}" or (named and named[0].upper() != "AS"):
                raise NotUnderstood(f"FROM {rest}")
            root = work / f"stage{len(stages)}"
            subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
            stages.append(Stage(named[1] if named else "", root))
        elif name == "RUN":
            _run(stages[-1], rest)
        elif name == "COPY":
            _copy(stages[-1], rest, context, {one.name: one.root for one in stages})
        elif name == "WORKDIR":
            stages[-1].folder = rest
            (stages[-1].root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name in ("ENTRYPOINT", "CMD"):
            stages[-1].settings[name] = rest
        else:
            raise NotUnderstood(f"{name} {rest}")
    return stages[-1]


def _run(stage: Stage, command: str) -> None:
    print(f"containerfile: RUN {command}", flush=True)
    script = f"cd {shlex.quote(stage.folder)} && {command}"
    subprocess.run(
        [str(CHROOT), str(stage.root), "/bin/sh", "-c", script], check=True, stdin=subprocess.DEVNULL
    )


def _copy(stage: Stage, rest: str, context: Path, stages: Mapping[str, Path]) -> None:
    *sources, target = rest.split()
    origin = context
    if sources[0].startswith("--from="):
        origin = stages[sources.pop(0).removeprefix("--from=")]
    if any(one.startswith("--") for one in sources):
        raise NotUnderstood(f"COPY {rest}")
    place = stage.root / stage.folder.lstrip("/") / target.lstrip("/")
    if target.startswith("/"):
        place = stage.root / target.lstrip("/")
    for source in sources:
        found = origin / source.lstrip("/")
        if found.is_dir():
            # The contents of a directory, not the directory itself.
            shutil.copytree(found, place, symlinks=True, dirs_exist_ok=True)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place)


if __name__ == "__main__":
    containerfile, context, base, target = map(Path, sys.argv[1:])
    last = build(containerfile.read_text(encoding="utf-8"), context, base, target)
    last.root.rename(target / "image")
