# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf config."""

from pathlib import Path

import click

from netvsc_bpf.model.errors import ConfigError
from netvsc_bpf.model.names import shown

_FILE = Path("/etc/netvsc-bpf/netvsc-bpf.toml")
"""The file of the service (deploy/systemd)."""


@click.group()
def config() -> None:
    """Work on configuration files of `run`."""


@config.command()
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path), default=_FILE)
def check(file: Path) -> None:
    """Check a file, by default /etc/netvsc-bpf/netvsc-bpf.toml, and print every mistake with its line.

    Nothing is changed, and no manager is needed. Whether its interfaces fit this machine is shown by `plan`.
    """
    from netvsc_bpf.config.load import check as mistakes_in
    from netvsc_bpf.kernel.process.stdio import say

    mistakes = mistakes_in(file)
    for mistake in mistakes:
        say(str(mistake))
    if mistakes:
        raise SystemExit(ConfigError.exit_code)
    click.echo(shown(f"{file}: no mistakes"))
