# SPDX-License-Identifier: GPL-2.0-only
"""The command line: global options, and the commands, each imported only when it is used."""

import gc
import importlib
import signal
from typing import Any

import click
from netvsc_bpf.cli.complete import namespaces
from netvsc_bpf.cli.errors import ErrorLine, usage_lines
from netvsc_bpf.cli.exit_status import epilog
from netvsc_bpf.cli.main import INTERRUPTED
from netvsc_bpf.cli.version import show as show_version

from netvsc_bpf.model.errors import NetvscBpfError

_COMMANDS = (
    *("attach", "capture", "config", "demo", "detach", "doctor", "drain", "events", "metrics", "plan"),
    *("report", "run", "status", "top"),
    *("undamp", "undrain"),
)
CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
"""What a context of the whole command line is made with; those of commands inherit it."""
_LASTING = frozenset({"capture", "demo", "events", "run", "top"})
"""The commands that may go on for long."""
_RELOADS = "run"
"""The command that SIGHUP reloads instead of ending."""


class Commands(click.Group):
    """A command is a module of this package with a click command of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click.Group."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click.Group."""
        if cmd_name not in _COMMANDS:
            return None
        if cmd_name != _RELOADS:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        if cmd_name in _LASTING:
            gc.enable()
        module = importlib.import_module(f"netvsc_bpf.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        _explain(command, cmd_name)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the options of the program itself; see click.Command."""
        with usage_lines():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; errors become their line and exit code, Ctrl-C its exit code."""
        try:
            with usage_lines(ctx):
                return super().invoke(ctx)
        except NetvscBpfError as error:
            raise ErrorLine(error, verbose=ctx.params["verbose"]) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None


def _explain(command: click.Command, name: str) -> None:
    """Have the command's --help name its exit statuses."""
    if isinstance(command, click.Group):
        for inner, below in command.commands.items():
            _explain(below, f"{name} {inner}")
    else:
        command.epilog = epilog(name)


@click.command(
    "netvsc-bpf",
    cls=Commands,
    context_settings=CONTEXT_SETTINGS,
    epilog="Every command has -h, which names its exit statuses.",
)
@click.option(
    "--netns",
    metavar="NAME",
    shell_complete=namespaces,
    help="Work on this network namespace (see `ip netns`).",
)
@click.option("--verbose", is_flag=True, help="Show the compiler's log if compiling fails.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=show_version,
    help="Show the version and a digest of the installed sources, and exit.",
)
def command_line(netns: str | None, verbose: bool) -> None:
    """Use a synthetic NIC and its SR-IOV VF as one NIC, with eBPF."""
    if netns is not None:
        from netvsc_bpf.kernel.process.namespaces import enter

        enter(netns)
