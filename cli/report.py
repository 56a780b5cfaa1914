# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf report."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from netvsc_bpf.kernel.process.stdio import say
from netvsc_bpf.model.names import shown


@click.command()
@click.option(
    "-o",
    "--output",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write the archive (.tar.gz) here; - writes to stdout. [default: netvsc-bpf-report-TIME.tar.gz]",
)
@click.option("--full", is_flag=True, help="Do not replace MAC and IP addresses by pseudonyms.")
def report(file: Path | None, full: bool) -> None:
    """Make one archive for a bug report, and say what it contains. Nothing else is changed.

    It has the output of doctor, status, events and metrics, interfaces, programs and versions. Without
    privileges, pairs or a manager the rest is included, and what is missing is noted.
    """
    if file == Path("-") and sys.stdout.isatty():
        raise click.UsageError("refusing to write an archive to a terminal")
    from netvsc_bpf.report.archive import contents, packed, write
    from netvsc_bpf.report.parts import made, parts

    found = [made(one) for one in parts()]
    data = packed(found, masked=not full)
    if file == Path("-"):
        sys.stdout.buffer.write(data)
        say(contents(found, masked=not full))
        return
    path = file or Path(f"netvsc-bpf-report-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
    write(data, path)
    click.echo(shown(f"{path}: {len(data):,} bytes"))
    click.echo(shown(contents(found, masked=not full)))
