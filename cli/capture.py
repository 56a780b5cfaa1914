# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf capture."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from netvsc_bpf.cli import reader
from netvsc_bpf.cli.complete import interfaces

from netvsc_bpf.kernel.packet_ring import MAX_SNAPLEN

if TYPE_CHECKING:
    from netvsc_bpf.capture.frame import Interface, Sighting
    from netvsc_bpf.capture.session import CapturePlan, Summary
    from netvsc_bpf.capture.tcpdump import Printer
    from netvsc_bpf.capture.writer import Writer


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
    from netvsc_bpf.capture.session import CapturePlan

    flags = {"n": numeric, "e": link, "q": quiet, "t" * times: times, "v" * verbose: verbose, "X": hexdump}
    plan = CapturePlan(interface, " ".join(expression), snaplen, count)
    with reader.may_go():
        summary = _Run(plan, file, [f"-{name}" for name, given in flags.items() if given]).run()
        _sum_up(summary)


def _sum_up(summary: "Summary") -> None:
    dropped = f", {summary.dropped:,} dropped by the kernel" if summary.dropped else ""
    click.echo(f"netvsc-bpf: {summary.frames:,} frames captured{dropped}", err=True)


class _Run:
    """One capture: its output is begun when the capture is under way, so that a refusal leaves no file."""

    def __init__(self, plan: "CapturePlan", file: str | None, flags: list[str]) -> None:
        self._plan, self._file, self._flags = plan, file, flags
        self._printer: Printer | None = None
        self._writer: Writer | None = None
        self._stopped = False

    def run(self) -> "Summary":
        """Capture to the end."""
        from netvsc_bpf.capture.session import capture as run
        from netvsc_bpf.capture.tcpdump import tcpdump

        if self._file is None:
            tcpdump()  # a missing one is told before anything begins
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        summary = None
        try:
            summary = run(self._plan, self._deliver, self._ended, self._opened)
        finally:
            if self._printer is not None:
                self._printer.close()
            if self._writer is not None:
                self._writer.close(summary)
        return summary

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def _ended(self) -> bool:
        return self._stopped or (self._file in (None, "-") and reader.is_gone())

    def _opened(self, interfaces: Sequence["Interface"]) -> None:
        from netvsc_bpf.capture.tcpdump import Printer
        from netvsc_bpf.capture.writer import Writer

        if self._file == "-":
            self._writer = self._writer or Writer(sys.stdout.buffer, "stdout", self._plan.snaplen)
        elif self._file is not None:
            self._writer = self._writer or Writer.to_file(Path(self._file), self._plan.snaplen)
        else:
            self._printer = self._printer or Printer(self._flags, self._plan.snaplen, _print)
        names = " and ".join(f"{one.name} ({one.path})" for one in interfaces)
        click.echo(f"netvsc-bpf: listening on {names}", err=True)

    def _deliver(self, frames: Sequence["Sighting"]) -> None:
        sink = self._printer if self._writer is None else self._writer
        assert sink is not None
        sink.frames(frames)


def _print(line: str) -> None:
    click.echo(line, nl=False)
