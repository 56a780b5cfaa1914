# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf plan."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from netvsc_bpf.cli.run_options import configured, overrides, run_options

from netvsc_bpf.kernel.process.stdio import say
from netvsc_bpf.model.names import json_text

if TYPE_CHECKING:
    from netvsc_bpf.planner.preview import Preview


@click.command()
@run_options("Read the configuration of `run` from this TOML file; command-line options override it.")
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
def plan(
    interfaces: tuple[str, ...], file: Path | None, any_bus: bool, settle: int | None, as_json: bool
) -> None:
    """Show what `run` would do now, step by step. Nothing is changed.

    It is what a manager with this configuration would do if it started now, if each step succeeds.
    """
    from netvsc_bpf.manager.preview import preview_run

    given = overrides(manager__interfaces=interfaces or None, any_bus=any_bus or None, settle_ms=settle)
    preview = preview_run(configured(file, given))
    if preview.manager is not None:
        who = f"process {preview.manager}" if preview.manager else "another process"
        say(f"a manager runs here already, {who}: this is what another one would do in its place")
    print_plan(preview, as_json=as_json)


def print_plan(preview: "Preview", *, as_json: bool) -> None:
    """Print a plan to stdout."""
    from netvsc_bpf.view.plan_words import plan_json, plan_lines

    if as_json:
        click.echo(json_text(plan_json(preview), indent=2))
        return
    for line in plan_lines(preview):
        click.echo(line)
