# SPDX-License-Identifier: GPL-2.0-only
"""The options that `run` and `plan` share, and the configuration that they and the file make."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from netvsc_bpf.cli import complete

from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS, MAX_SETTLE_MS, MIN_SETTLE_MS
from netvsc_bpf.model import names
from netvsc_bpf.model.setting import MOST_BYTES

if TYPE_CHECKING:
    from netvsc_bpf.manager.state.config import ManagerConfig

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _names(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what no interface can be called: the manager would wait for it for ever."""
    for name in value:
        if not name or len(names.encode(name)) > MOST_BYTES or "/" in name or name != "".join(name.split()):
            raise click.BadParameter(f"{name!r} is not the name of an interface.", ctx, param)
    return value


def run_options(config_help: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds IFACE, --config, --any-bus and --settle to a command."""
    return lambda command: _with_options(command, config_help)


def _with_options(command: _Command, config_help: str) -> _Command:
    for add in reversed(
        (
            click.argument(
                "interfaces",
                metavar="[IFACE ...]",
                nargs=-1,
                callback=_names,
                shell_complete=complete.interfaces,
            ),
            click.option(
                "--config",
                "file",
                metavar="FILE",
                type=click.Path(path_type=Path),
                help=config_help,
            ),
            click.option("--any-bus", is_flag=True, help="Also accept VFs that are not PCI devices."),
            click.option(
                "--settle",
                metavar="MS",
                type=click.IntRange(MIN_SETTLE_MS, MAX_SETTLE_MS),
                help="How long a VF must have been up with carrier before it is used, in ms. "
                f"[default: {DEFAULT_SETTLE_MS} for new pairs]",
            ),
        )
    ):
        command = add(command)
    return command


def overrides(**said: object) -> dict[tuple[str, str], object]:
    """Return what the command line sets, by section and key; what it does not set is None.

    A key of another section than [attach] is written as `section__key`.
    """
    found = {}
    for name, value in said.items():
        section, _, key = name.rpartition("__")
        if value is not None:
            found[section or "attach", key] = value
    return found


def configured(file: Path | None, given: dict[tuple[str, str], object]) -> "ManagerConfig":
    """Return the configuration that the file and the command line make. Raises ConfigError."""
    from netvsc_bpf.config.load import load, without_file

    return without_file(given) if file is None else load(file, given)
