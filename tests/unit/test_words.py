# SPDX-License-Identifier: GPL-2.0-only
"""Private words and riddles do not come back: the tree is searched for words that it must not have."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SUFFIXES = {
    *(".py", ".c", ".h", ".sh", ".md", ".1", ".toml"),
    *(".yml", ".service", ".network", ".rules", ".conf"),
}
NOT_READ = ("CHANGELOG.md", "tests/unit/test_words.py")
"""The changelog's past stays as it was written; this file contains the words itself."""

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
    "stands in": "is in, is listed in",
    "stand in": "are in, are listed in",
    "speaker": "upper device",
    "speakers": "upper devices",
    "visitor": "moved NIC",
    "visitors": "moved NICs",
    "lend": "sync, add",
    "lends": "syncs, adds",
    "lent": "synced, added",
    "unhurried": "rate-limited, deferred",
    "makeshift": "interim",
    "whereabouts": "location",
    "unforeseen": "unexpected",
    "foresaw": "expected",
    "behind our back": "externally",
    "out of step": "not in sync",
    "in step": "in sync",
    "coming home": "on delivery",
    "comes to rest": "has no steps left",
    "good end": "success",
}
"""Word or phrase -> what to write instead."""

EXCEPTIONS = {
    ("netvsc_bpf/kernel/bpf/pin_layout.py", "visitors"): "a folder in bpffs: another version must find it",
    ("tests/kernel/refusals/test_our_folder.py", "visitors"): "the same folder",
    ("tests/unit/capture/test_tcpdump.py", "tell"): "tcpdump prints ARP requests so",
}
"""(Path, word) -> why it is there."""

# A line break within a phrase counts as a blank, with the signs of a comment around it.
_BREAK = r"[\s#*/]+"
PATTERN = re.compile(
    r"(?<![\w-])(?:" + "|".join(_BREAK.join(map(re.escape, one.split())) for one in BANNED) + r")(?![\w-])",
    re.IGNORECASE,
)


def files() -> list[str]:
    """The files of the tree that are read, by their paths in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True).stdout
    return [
        path
        for path in listed.splitlines()
        if Path(path).suffix in SUFFIXES and path not in NOT_READ and (REPO / path).is_file()
    ]


def hits(path: str) -> Iterator[tuple[int, str]]:
    """The banned words in a file, each with its line."""
    text = (REPO / path).read_text(encoding="utf-8")
    for found in PATTERN.finditer(text):
        word = " ".join(re.split(_BREAK, found[0].lower()))
        yield text.count("\n", 0, found.start()) + 1, word


def test_banned_words_occur_nowhere() -> None:
    found = [
        f"{path}:{line}: {word} ({BANNED[word]})"
        for path in files()
        for line, word in hits(path)
        if (path, word) not in EXCEPTIONS
    ]
    assert found == []


def test_every_exception_is_needed() -> None:
    needed = {(path, word) for path, _ in EXCEPTIONS for _, word in hits(path)}
    assert EXCEPTIONS.keys() - needed == set()
