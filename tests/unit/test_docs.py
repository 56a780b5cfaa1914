# SPDX-License-Identifier: GPL-2.0-only
"""Documents lead somewhere: their links, their pictures, and the commands and options that they name."""

import re
from pathlib import Path

import click
import pytest
from netvsc_bpf.cli.commands import Commands, command_line

REPO = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    REPO / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
) + sorted([*(REPO / "docs").glob("*.md"), *(REPO / "deploy").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]*)(?:#(?P<anchor>[^)]*))?\)")
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
COMMAND = re.compile(r"netvsc-bpf(?: --netns \w+)? (?P<name>[a-z]+)(?P<rest>[^`|\n#]*)")


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.finditer(CODE.sub("", document.read_text())):
        target = document.parent / link["path"] if link["path"] else document
        assert target.exists(), link[0]
        if link["anchor"]:
            assert link["anchor"] in anchors(target.read_text()), link[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_that_are_named_exist(document: Path) -> None:
    assert isinstance(command_line, Commands)
    context = click.Context(command_line)
    code = "\n".join(CODE.findall(document.read_text()))
    for line in COMMAND.finditer(code):
        command = command_line.get_command(context, line["name"])
        assert command is not None, line[0]
        known = {name for one in command.params for name in one.opts}
        named = set(re.findall(r"(?<=[ \[])--[a-z-]+", line["rest"]))
        assert named <= known, line[0]


def test_pictures_are_small_and_fetch_nothing() -> None:
    pictures = list((REPO / "docs" / "pictures").glob("*.svg"))
    assert len(pictures) >= 3
    for picture in pictures:
        text = picture.read_text()
        assert len(text) < 64_000
        assert "url(http" not in text and "<image" not in text and "href" not in text


def test_every_command_is_told_of_in_the_guide_or_the_readme() -> None:
    told = (REPO / "README.md").read_text() + (REPO / "docs/operate.md").read_text()
    assert isinstance(command_line, Commands)
    missing = [
        name
        for name in command_line.list_commands(click.Context(command_line))
        if f"netvsc-bpf {name}" not in told
    ]
    assert [name for name in missing if f"make {name}" not in told] == []
