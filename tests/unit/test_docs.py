# SPDX-License-Identifier: GPL-2.0-only
"""The documents: links, anchors and pictures exist, and so do the commands and options that they name."""

import importlib
import re
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import click
import pytest
from netvsc_bpf.cli.commands import CONTEXT_SETTINGS, Commands, command_line

from netvsc_bpf.manager.events.kinds import Detail, Event, Kind
from netvsc_bpf.model.path import Reason

REPO = Path(__file__).resolve().parents[2]
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
PAGES = sorted((REPO / "docs").rglob("*.md"))
DOCUMENTS = [
    *(REPO / name for name in TOP),
    *PAGES,
    *sorted((REPO / "deploy").rglob("*.md")),
    *sorted((REPO / "examples").rglob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)]*))?\)")
FENCE = re.compile(r"^(?P<fence>```|~~~).*?^(?P=fence)", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
COMMAND = re.compile(r"netvsc-bpf(?: --netns \w+)? (?P<name>[a-z]+)(?P<rest>[^`|\n#]*)")
SHORT = {"README.md": 120, "docs/glossary.md": 45}
"""Lines at most of the pages that promise to be short."""


def name_of(path: Path) -> str:
    return str(path.relative_to(REPO))


def text_of(path: Path) -> str:
    """The document without its blocks of code: a comment in a shell script is not a heading."""
    return FENCE.sub("", path.read_text())


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document, as GitHub makes them of headings: a repeated one gets a number."""
    seen: Counter[str] = Counter()
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', path.read_text()))
    for heading in re.findall(r"^#+ +(.*?) *#*$", text_of(path), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return frozenset(found)


def generator(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of scripts/ as a module; they import each other by name."""
    monkeypatch.syspath_prepend(str(REPO / "scripts"))
    return importlib.import_module(name)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.finditer(CODE.sub("", document.read_text())):
        target = document.parent / unquote(link["path"]) if link["path"] else document
        assert target.exists(), f"{name_of(document)}: {link[0]}: no such file"
        if link["anchor"]:
            assert link["anchor"] in anchors(target.resolve()), (
                f"{name_of(document)}: {link[0]}: no such heading"
            )


def test_the_package_has_each_document_and_what_it_links_to() -> None:
    """debian/rules keeps their places; in one folder README.md and docs/README.md would be one file."""
    shipped = (REPO / "debian/netvsc-bpf.docs").read_text().split()
    for document in DOCUMENTS:
        links = [link["path"] for link in LINK.finditer(text_of(document)) if link["path"]]
        for target in [document, *(document.parent / unquote(link) for link in links)]:
            inside = target.resolve().relative_to(REPO)
            assert inside.parts[0] in shipped, f"{name_of(document)}: {inside} is not in the package"


def test_alerting_rules_link_to_headings() -> None:
    rules = (REPO / "deploy/prometheus/netvsc-bpf.rules.yml").read_text()
    runbooks = re.findall(r"runbook_url: (\S+)#(\S+)", rules)
    assert len(runbooks) == rules.count("- alert:")
    for path, anchor in runbooks:
        assert anchor in anchors(REPO / path), f"{path}#{anchor}"


@pytest.mark.parametrize("document", PAGES, ids=name_of)
def test_a_page_begins_with_for_whom_it_is(document: Path) -> None:
    lines = [line for line in document.read_text().splitlines() if line.strip()]
    assert lines[0].startswith("# ")
    assert re.match(r"For .+", lines[1]), f"{name_of(document)}: its first sentence says for whom it is"


def test_the_index_lists_every_page() -> None:
    index = (REPO / "docs/README.md").read_text()
    listed = {(REPO / "docs" / link["path"]).resolve() for link in LINK.finditer(index)}
    assert [name_of(page) for page in sorted((REPO / "docs").glob("*.md")) if page not in listed] == [
        "docs/README.md"
    ]


@pytest.mark.parametrize("name", SHORT)
def test_a_page_that_is_to_be_short_is(name: str) -> None:
    assert len((REPO / name).read_text().splitlines()) <= SHORT[name]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_and_options_that_are_named_exist(document: Path) -> None:
    assert isinstance(command_line, Commands)
    context = click.Context(command_line, **CONTEXT_SETTINGS)
    code = "\n".join(CODE.findall(document.read_text()))
    for line in COMMAND.finditer(code):
        command = command_line.get_command(context, line["name"])
        assert command is not None, line[0]
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        named = set(re.findall(r"(?<=[ \[])--[a-z-]+", line["rest"]))
        assert named <= known, line[0]


def test_pictures_are_small_and_fetch_nothing() -> None:
    pictures = list((REPO / "docs" / "pictures").glob("*.svg"))
    assert len(pictures) >= 3
    for picture in pictures:
        text = picture.read_text()
        assert len(text) < 64_000
        assert "url(http" not in text and "<image" not in text and "href" not in text


def test_every_picture_is_shown_somewhere() -> None:
    shown = {
        (page.parent / link["path"]).resolve()
        for page in DOCUMENTS
        for link in LINK.finditer(page.read_text())
    }
    assert [one.name for one in (REPO / "docs/pictures").iterdir() if one not in shown] == []


def test_every_command_is_described_in_the_guide_or_the_readme() -> None:
    text = (REPO / "README.md").read_text() + (REPO / "docs/operate.md").read_text()
    assert isinstance(command_line, Commands)
    missing = [
        name
        for name in command_line.list_commands(click.Context(command_line, **CONTEXT_SETTINGS))
        if f"netvsc-bpf {name}" not in text
    ]
    assert [name for name in missing if f"make {name}" not in text] == []


@pytest.mark.parametrize("script", ["commands_page", "json_page"])
def test_generated_pages_are_what_the_code_says(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = generator(script, monkeypatch).written()
    assert written
    for path, text in written.items():
        assert (REPO / path).read_text() == text, f"{path} is out of date: run `make docs`"


def test_schemas_accept_what_is_printed_and_refuse_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    page = generator("json_page", monkeypatch)
    for name, values in page.samples().items():
        schema = page.schema(name)
        for value in values:
            assert page.faults(schema, value) == []
            one = value[0] if isinstance(value, list) else value
            one["surprise"] = 1
            assert [fault for fault in page.faults(schema, value) if "surprise" in fault]


def test_the_schema_of_events_has_every_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    page = generator("json_page", monkeypatch)
    schema = page.schema("event")
    for kind in Kind:
        event = Event(kind, "eth0", "text", details={Detail.DURATION_S: 0.5, Detail.ERRORS: 1})
        assert page.faults(schema, event.as_record()) == []
    assert {detail.value for detail in Detail} <= set(schema["properties"])


def test_the_operating_guide_explains_every_reason() -> None:
    guide = (REPO / "docs/operate.md").read_text().partition("### The VF is not used")[2]
    rows = {line.split("`")[1] for line in guide.splitlines() if line.startswith("| `")}
    assert {reason.value for reason in Reason} - rows == {"armed"}


def test_the_glossary_has_every_word_of_our_own() -> None:
    glossary = (REPO / "docs/glossary.md").read_text()
    own = "steer home guard sentinel permitted armed settle drained damped fallback"
    assert [word for word in own.split() if f"| **{word}" not in glossary] == []


def test_the_questions_of_a_new_user_have_answers() -> None:
    _, _, section = (
        (REPO / "CONTRIBUTING.md").read_text().partition("### Questions that the documents must answer")
    )
    table = [line for line in section.partition("\n## ")[0].splitlines() if line.endswith(" |")][2:]
    assert len(table) >= 10
    assert [line for line in table if not LINK.search(line)] == []
