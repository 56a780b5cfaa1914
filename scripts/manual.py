# SPDX-License-Identifier: GPL-2.0-only
"""Writes docs/man/ and deploy/completion/ from the commands, configuration keys and metrics themselves.

Run by `make manual`. tests/unit/cli/test_manual.py fails where what stands there is not what this writes.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import get_completion_class
from manual_references import configuration_page, metrics_page
from netvsc_bpf.cli.commands import CONTEXT_SETTINGS, command_line
from roff import DATE, WRITTEN, escaped, filled, paragraphs, tagged

from netvsc_bpf import __version__

REPO = Path(__file__).resolve().parents[1]
MANUAL = Path("docs/man")
COMPLETIONS = {
    "bash": Path("deploy/completion/netvsc-bpf.bash"),
    "zsh": Path("deploy/completion/_netvsc-bpf"),
    "fish": Path("deploy/completion/netvsc-bpf.fish"),
}
PROGRAM = "netvsc-bpf"

DESCRIPTION = """
A virtual machine with SR-IOV has a synthetic NIC that is always there (hv_netvsc, virtio-net) and a virtual
function (VF) with the same MAC address that is fast, and that the host adds and removes at any time.
netvsc-bpf uses both as one NIC, with eBPF: packets take the VF while it works and the synthetic path
otherwise. Addresses, routes and firewall rules stay on the synthetic NIC.

`attach` returns after the settle time; packets need no process afterwards. Steering, failover and return are
decided in the kernel. `run` is the manager: it adopts new VFs, keeps them in sync with the synthetic NIC, and
repairs. `detach` restores everything as it was found.
"""
EXIT_STATUS = (
    ("0", "Done."),
    (
        "1",
        "Failed: one line on stderr says what, why, and what to do. Also if the output of `status`, "
        "`events`, `top`, `metrics`, `capture` or --help cannot be written; the status of `attach`, "
        "`doctor`, `demo` and `run` does not depend on their output. A reader that closes the pipe early is "
        "not a failure.",
    ),
    ("2", "Wrong usage, or a mistake in the configuration file; `config check`: mistakes."),
    (
        "3",
        "Refused: no such NIC, not attached, an ambiguous pairing, a VF or a hook in use elsewhere, another "
        "netvsc-bpf at work.",
    ),
    ("4", "Not possible on this kernel or machine: a capability, bpffs, BTF, bcc or a tool is missing."),
    ("130", "Ended by Ctrl-C."),
)
FILES = (
    (
        "/sys/fs/bpf/netvsc-bpf",
        "The pinned programs, links and maps, by network namespace. No state is kept anywhere else.",
    ),
    ("/etc/netvsc-bpf/netvsc-bpf.toml", "The configuration of the service; see netvsc-bpf.toml(5)."),
)
EXAMPLES = (
    ("Can this machine run it?", "netvsc-bpf doctor"),
    (
        "Steer the traffic of eth0 through its VF, wait for the settle time, and show the result:",
        "netvsc-bpf attach eth0 && netvsc-bpf status",
    ),
    ("Write the rates to a file, one table every 5 seconds:", "netvsc-bpf top --interval 5 > rates.txt"),
    (
        "Move both directions of eth0 off its VF for two hours:",
        'netvsc-bpf drain eth0 --for 2h --why "NIC firmware"',
    ),
    ("A capture of both paths of eth0 for Wireshark:", "netvsc-bpf capture eth0 -w both.pcapng port 443"),
    ("The same for a network namespace:", "netvsc-bpf --netns blue attach eth0"),
)
SEE_ALSO = (
    "netvsc-bpf.toml(5), netvsc-bpf-metrics(7), ip(8), tc(8), tcpdump(8), pcap-filter(7), bpf(2), "
    "capabilities(7)"
)


def main_page() -> str:
    """Return the manual in roff."""
    context = click.Context(command_line, info_name=PROGRAM, **CONTEXT_SETTINGS)
    summary = (command_line.help or "").rstrip(".")
    lines = [
        *WRITTEN,
        f'.TH NETVSC-BPF 1 "{DATE}" "{PROGRAM} {__version__}" "User Commands"',
        ".SH NAME",
        f"{escaped(PROGRAM)} \\- {escaped(summary[0].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        f".B {escaped(PROGRAM)}",
        "[OPTIONS] COMMAND [ARGUMENTS]",
        ".SH DESCRIPTION",
        *paragraphs(DESCRIPTION),
        ".SH OPTIONS",
        *options(context, command_line),
        ".SH COMMANDS",
    ]
    for inner in commands(context, command_line):
        lines += section(inner, inner.command)
    lines += [".SH EXIT STATUS", *tagged(EXIT_STATUS), ".SH FILES", *tagged(FILES), ".SH EXAMPLES"]
    for number, (what, line) in enumerate(EXAMPLES):
        lines += [
            *([".PP"] if number else []),
            *filled(what),
            ".PP",
            ".nf",
            ".RS",
            escaped(line),
            ".RE",
            ".fi",
        ]
    return "\n".join([*lines, ".SH SEE ALSO", *filled(SEE_ALSO), ""])


def commands(context: click.Context, group: click.Group, prefix: str = "") -> Iterator[click.Context]:
    """Yield a context for each command; a command of a group is called `config check`."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(context, command, f"{name} ")
        else:
            yield click.Context(command, info_name=prefix + name, parent=context)


def section(context: click.Context, command: click.Command) -> Iterator[str]:
    """Yield the lines on one command."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield f'.SS "{escaped(f"{context.info_name} {usage}")}"'
    yield from paragraphs(command.help or "")
    yield from options(context, command)


def options(context: click.Context, command: click.Command) -> Iterator[str]:
    """Yield the lines on the options of a command, in their order."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None and shown(context, parameter):
            names, text = (" ".join(part.split()) for part in record)
            yield from tagged([(names, limits(text))])


def shown(context: click.Context, option: click.Option) -> bool:
    """Return whether an option is listed: --help is described once, for all commands."""
    return context.parent is None or "--help" not in option.opts


def limits(text: str) -> str:
    """Say in words what click says of a range."""
    text = re.sub(r"([\d.]+)<=x<=([\d.]+)", r"\1 to \2", text)
    return re.sub(r"x>=([\d.]+)", r"at least \1", text)


def completion(shell: str) -> str:
    """Return the completion script of a shell, as click makes it."""
    kind = get_completion_class(shell)
    assert kind is not None
    return kind(command_line, {}, PROGRAM, "_NETVSC_BPF_COMPLETE").source()


def written() -> dict[Path, str]:
    """Return every file that this script writes, by its path in the repository."""
    scripts = {path: completion(shell).strip() + "\n" for shell, path in COMPLETIONS.items()}
    pages = {
        "netvsc-bpf.1": main_page(),
        "netvsc-bpf.toml.5": configuration_page(),
        "netvsc-bpf-metrics.7": metrics_page(),
    }
    return {**{MANUAL / name: text for name, text in pages.items()}, **scripts}


if __name__ == "__main__":
    for path, text in written().items():
        (REPO / path).parent.mkdir(parents=True, exist_ok=True)
        (REPO / path).write_text(text)
