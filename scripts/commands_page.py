# SPDX-License-Identifier: GPL-2.0-only
"""Writes docs/commands.md from the commands themselves, as scripts/manual.py does the manual page.

Run by `make docs`. tests/unit/test_docs.py fails where the page is not what this writes.
"""

from collections.abc import Iterator
from pathlib import Path

import click
from manual import EXAMPLES, EXIT_STATUS, PROGRAM, commands, limits, shown
from netvsc_bpf.cli.commands import CONTEXT_SETTINGS, command_line

REPO = Path(__file__).resolve().parents[1]
PAGE = Path("docs/commands.md")

HEAD = """\
# Commands

For operators and authors of scripts: every command and option. The same is in the manual page (`man -l
docs/man/netvsc-bpf.1`) and in `netvsc-bpf COMMAND --help`. Tasks are in [operate.md](operate.md), the
output of `--json` in [json.md](json.md).

Commands, options, exit statuses and JSON keys are stable: they may grow, but they keep their meaning.

<!-- Written by scripts/commands_page.py from the commands; change those, and run make docs. -->
"""


def page() -> str:
    """Return the text of docs/commands.md."""
    context = click.Context(command_line, info_name=PROGRAM, **CONTEXT_SETTINGS)
    every = list(commands(context, command_line))
    parts = [HEAD, "| command | purpose |\n|---|---|"]
    for inner in every:
        name, purpose = str(inner.info_name), cell((inner.command.help or "").split("\n\n")[0])
        parts.append(f"| [`{name}`](#{PROGRAM}-{name.replace(' ', '-')}) | {purpose} |")
    parts += ["", "## Options of all commands", "", *options(context, command_line)]
    for inner in every:
        parts += section(inner, inner.command)
    parts += ["## Exit status", "", "| status | meaning |", "|---|---|"]
    parts += [f"| {status} | {cell(meaning)} |" for status, meaning in EXIT_STATUS]
    parts += ["", "## Examples", ""]
    for what, line in EXAMPLES:
        parts += [what, "", "```", line, "```", ""]
    return "\n".join(parts).rstrip() + "\n"


def section(context: click.Context, command: click.Command) -> Iterator[str]:
    """Yield the lines on one command."""
    yield from (f"## {PROGRAM} {context.info_name}", "", "```")
    yield f"{PROGRAM} {context.info_name} {' '.join(command.collect_usage_pieces(context))}"
    yield from ("```", "")
    for paragraph in (command.help or "").split("\n\n"):
        yield from (" ".join(paragraph.split()), "")
    yield from options(context, command)


def options(context: click.Context, command: click.Command) -> Iterator[str]:
    """Yield the table of a command's options, in their order; nothing where it has none."""
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None and shown(context, parameter):
            names, meaning = (" ".join(part.split()) for part in record)
            rows.append(f"| `{cell(names)}` | {cell(limits(meaning))} |")
    if rows:
        yield from ("| option | meaning |", "|---|---|", *rows, "")


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def written() -> dict[Path, str]:
    """Return every file that this script writes, by its path in the repository."""
    return {PAGE: page()}


if __name__ == "__main__":
    for path, text in written().items():
        (REPO / path).write_text(text, encoding="utf-8")
