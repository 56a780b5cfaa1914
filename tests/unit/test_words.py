# SPDX-License-Identifier: GPL-2.0-only
"""The words that CONTRIBUTING.md asks for: private words and riddles do not come back."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SUFFIXES = (".py", ".c", ".h", ".md", ".sh", ".1", ".toml", ".yml", ".service", ".network", ".rules", ".conf")
NOT_READ = ("CHANGELOG.md", "tests/unit/test_words.py")
"""The changelog's past stays as it was written; this file has the words itself."""

BANNED = {
    "whoever": "name who it is",
    "nobody": "say what is missing, or use the passive",
    "of ours": "of netvsc-bpf, or nothing",
    "let go": "release, stop",
    "lets go": "releases",
    "letting go": "releasing",
    "tell": "report, log, return, notify",
    "tells": "reports, logs, returns, notifies",
    "telling": "reporting",
    "told": "reported, logged, notified",
    "teller": "reporter",
    "stands in": "is in",
    "stand in": "are in",
    "speaker": "upper device",
    "speakers": "upper devices",
    "visitor": "moved NIC",
    "visitors": "moved NICs",
    "lend": "sync, add",
    "lends": "syncs, adds",
    "lent": "synced, added",
    "unhurried": "deferred",
    "makeshift": "interim",
    "whereabouts": "location",
    "unforeseen": "unexpected",
    "foresaw": "expected",
    "behind our back": "externally",
    "out of step": "out of sync",
    "in step": "in sync",
    "coming home": "on delivery",
    "comes to rest": "has no steps left",
    "good end": "success",
}
"""Word or words -> what to write instead."""

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""(Path, banned word) -> why it is there."""

NOT_YET: tuple[str, ...] = ()
"""Folders and files that still have such words."""

PATTERN = re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, BANNED)) + r")(?![\w-])", re.IGNORECASE)


def files() -> list[str]:
    """Every text file of the tree that is to be read, by its path in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True).stdout.splitlines()
    return [
        path for path in listed if path.endswith(SUFFIXES) and path not in NOT_READ and (REPO / path).exists()
    ]


def hits(path: str) -> Iterator[tuple[int, str]]:
    """The banned words in a file, with their lines; a line break within a phrase counts as a blank."""
    text = re.sub(
        r"\s*\n[ \t]*(?:# |// |\* )?", lambda match: match[0], (REPO / path).read_text(encoding="utf-8")
    )
    for found in PATTERN.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[0].lower()


if __name__ == "__main__":
    for path in files():
        for line, word in hits(path):
            print(f"{path}:{line}: {word}")
