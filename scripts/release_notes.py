# SPDX-License-Identifier: GPL-2.0-only
"""Prints the release notes of a version: its section of CHANGELOG.md, without its heading.

Usage: release_notes.py CHANGELOG.md VERSION
"""

import re
import sys
from pathlib import Path


def notes(changelog: str, version: str) -> str:
    """Return the text below `## [VERSION]`, up to the next heading of that level.

    Raises ValueError where there is no such section, or nothing in it.
    """
    section = re.search(
        rf"^## \[{re.escape(version)}\][^\n]*\n(?P<text>.*?)(?=^## |^\[[^\]]+\]: |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    if section is None:
        raise ValueError(f"no section `## [{version}]`")
    text = section["text"].strip()
    if not re.search(r"^- ", text, re.MULTILINE):
        raise ValueError(f"nothing is listed in the section `## [{version}]`")
    return text + "\n"


def main(path: Path, version: str) -> int:
    """Print them; return the exit status."""
    try:
        print(notes(path.read_text(encoding="utf-8"), version), end="")
    except ValueError as error:
        print(f"release: cannot write the release notes: {path}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
