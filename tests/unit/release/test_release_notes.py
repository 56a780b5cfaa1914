# SPDX-License-Identifier: GPL-2.0-only
"""scripts/release_notes.py: the section of a version, no more and no less."""

from pathlib import Path

import pytest

from tests.module_at import module_at

REPO = Path(__file__).resolve().parents[3]
NOTES = module_at(REPO / "scripts" / "release_notes.py")
CHANGELOG = """\
# Changelog

## [Unreleased]

### Added

- c

## [1.1.0] - 2026-11-30

### Fixed

- b, on two
  lines

## [1.0.0] - 2026-10-01

- a

## [0.9.0] - 2026-09-01

[1.1.0]: compare/v1.0.0...v1.1.0
"""


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("Unreleased", "### Added\n\n- c\n"),
        ("1.1.0", "### Fixed\n\n- b, on two\n  lines\n"),
        ("1.0.0", "- a\n"),
    ],
)
def test_notes_are_the_section_of_the_version(version: str, text: str) -> None:
    assert NOTES.notes(CHANGELOG, version) == text


@pytest.mark.parametrize("version", ["1.1", "1.1.1", "0.9.0", "1x1.0"])
def test_a_version_without_entries_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match=r"\[" + version):
        NOTES.notes(CHANGELOG, version)


def test_the_command_reports_what_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (path := tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    assert NOTES.main(path, "2.0.0") == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "no section `## [2.0.0]`" in printed.err


def test_the_changelog_has_notes_for_the_next_release() -> None:
    assert "### " in NOTES.notes((REPO / "CHANGELOG.md").read_text(), "Unreleased")
