# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf capture."""

import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from netvsc_bpf.cli import reader
from netvsc_bpf.cli.complete import interfaces

from netvsc_bpf.kernel.packet_ring import MAX_SNAPLEN
from netvsc_bpf.model.names import shown

if TYPE_CHECKING:
    from netvsc_bpf.capture.frame import Interface


@click.command()
@click.argument("interface", metavar="IFACE", shell_complete=interfaces)
@click.argument("expression", metavar="[EXPRESSION]", nargs=-1)
@click.option(
    "-w",
    "--write",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Write pcapng instead of text; - is stdout.",
)
@click.option("-c", "--count", metavar="N", type=click.IntRange(min=1), help="End after N frames.")
@click.option(
    "-s",
    "--snaplen",
    metavar="BYTES",
    type=click.IntRange(1, MAX_SNAPLEN),
    default=MAX_SNAPLEN,
    show_default=True,
    help="Take so much of each frame.",
)
@click.option("-n", "numeric", is_flag=True, help="Do not turn addresses into names.")
@click.option("-e", "link", is_flag=True, help="Show the link-level header.")
@click.option("-q", "quiet", is_flag=True, help="Shorter lines.")
@click.option("-t", "times", count=True, help="How to show the time, as tcpdump does: -t to -ttttt.")
@click.option("-v", "verbose", count=True, help="More of each frame: -v to -vvv.")
@click.option("-X", "hexdump", is_flag=True, help="Show the frame in hex and ASCII.")
def capture(
    interface: str,
    expression: tuple[str, ...],
    file: str | None,
    count: int | None,
    snaplen: int,
    numeric: bool,
    link: bool,
    quiet: bool,
    times: int,
    verbose: int,
    hexdump: bool,
) -> None:
    """Capture both paths of IFACE, each frame once, with the path that it took.

    A capture on the synthetic NIC alone does not see what was steered to the VF. EXPRESSION is a filter of
    pcap-filter(7). A VF that goes and comes back is followed. Ends at Ctrl-C, or after --count frames.
    """
    if file == "-" and sys.stdout.isatty():
        raise click.UsageError("refusing to write pcapng to a terminal")
    from netvsc_bpf.capture.output import Output
    from netvsc_bpf.capture.session import CapturePlan
    from netvsc_bpf.capture.session import capture as run

    flags = {"n": numeric, "e": link, "q": quiet, "t" * times: times, "v" * verbose: verbose, "X": hexdump}
    output = Output(file, snaplen, [f"-{name}" for name, given in flags.items() if given], _print)
    ended = _Ended(by_reader=file in (None, "-"))
    begun = False

    def opened(interfaces: Sequence["Interface"]) -> None:
        nonlocal begun
        if not begun:
            output.begin()
            begun = True
        names = " and ".join(f"{one.name} ({one.path})" for one in interfaces)
        click.echo(shown(f"netvsc-bpf: listening on {names}"), err=True)

    with reader.may_go():
        summary = None
        try:
            plan = CapturePlan(interface, " ".join(expression), snaplen, count)
            summary = run(plan, output.frames, ended, opened)
        finally:
            output.close(summary)
        dropped = f", {summary.dropped:,} dropped by the kernel" if summary.dropped else ""
        click.echo(f"netvsc-bpf: {summary.frames:,} frames captured{dropped}", err=True)


class _Ended:
    """Becomes true at Ctrl-C, at SIGTERM, and when nobody reads what we write."""

    def __init__(self, *, by_reader: bool) -> None:
        self._by_reader = by_reader
        self._signalled = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._signal)

    def __call__(self) -> bool:
        return self._signalled or (self._by_reader and reader.is_gone())

    def _signal(self, *_: object) -> None:
        self._signalled = True


def _print(line: str) -> None:
    click.echo(line, nl=False)
