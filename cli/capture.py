# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf capture."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from netvsc_bpf.cli.complete import interfaces

from netvsc_bpf.kernel.net.packet_ring import MAX_SNAPLEN
from netvsc_bpf.kernel.process import stdio
from netvsc_bpf.kernel.process.stdio import say

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
    help="Write pcapng instead of text; - writes to stdout.",
)
@click.option("-c", "--count", metavar="N", type=click.IntRange(min=1), help="Stop after N frames.")
@click.option(
    "-s",
    "--snaplen",
    metavar="BYTES",
    type=click.IntRange(1, MAX_SNAPLEN),
    default=MAX_SNAPLEN,
    show_default=True,
    help="Capture this many bytes of each frame.",
)
@click.option("-n", "numeric", is_flag=True, help="Do not resolve addresses to names.")
@click.option("-e", "link", is_flag=True, help="Print the link-level header.")
@click.option("-q", "quiet", is_flag=True, help="Print less about each frame.")
@click.option("-t", "times", count=True, help="Timestamp format, as in tcpdump: -t to -ttttt.")
@click.option("-v", "verbose", count=True, help="Print more about each frame: -v to -vvv.")
@click.option("-X", "hexdump", is_flag=True, help="Print each frame in hex and ASCII.")
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
    """Capture both paths of IFACE. Each frame is shown once, labelled with its path.

    A capture on the synthetic NIC alone does not show what was steered to the VF. EXPRESSION is a filter as
    in pcap-filter(7). A VF that is removed and comes back is captured again. Stops at Ctrl-C, or after
    --count frames.
    """
    if file == "-" and sys.stdout.isatty():
        raise click.UsageError("refusing to write pcapng to a terminal")
    from netvsc_bpf.capture.output import Output
    from netvsc_bpf.capture.session import CapturePlan
    from netvsc_bpf.capture.session import capture as run

    flags = {"n": numeric, "e": link, "q": quiet, "t" * times: times, "v" * verbose: verbose, "X": hexdump}
    ended = _Ended(by_reader=file in (None, "-"))
    output = Output(
        file, snaplen, [f"-{name}" for name, given in flags.items() if given], _print, ended.signalled
    )
    begun = False

    def opened(interfaces: Sequence["Interface"]) -> None:
        nonlocal begun
        if not begun:
            output.begin()
            begun = True
        names = " and ".join(f"{one.name} ({one.path})" for one in interfaces)
        say(f"listening on {names}")

    try:
        summary = run(
            CapturePlan(interface, " ".join(expression), snaplen, count), output.frames, ended, opened
        )
    except stdio.ReaderGone:
        output.abandon()
        if ended.interrupted:
            raise KeyboardInterrupt from None
        raise
    except BaseException:
        output.abandon()  # the first error is the one that is reported
        raise
    output.close(summary)
    dropped = f", {summary.dropped:,} dropped by the kernel" if summary.dropped else ""
    say(f"{summary.frames:,} frames captured{dropped}")
    if ended.interrupted:
        raise KeyboardInterrupt


class _Ended:
    """Becomes true at Ctrl-C, at SIGTERM, and when the reader of the output is gone.

    A second signal ends the process at once.
    """

    def __init__(self, *, by_reader: bool) -> None:
        self._by_reader = by_reader
        self._signals: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._signal)
        # Frames captured so far are still printed, but a reader that has stopped reading is not waited for.
        if (stdout := stdio.stdout()) is not None:
            stdout.writer.hurried = self.signalled

    @property
    def interrupted(self) -> bool:
        return signal.SIGINT in self._signals

    def signalled(self) -> bool:
        return bool(self._signals)

    def __call__(self) -> bool:
        return self.signalled() or (self._by_reader and stdio.reader_is_gone())

    def _signal(self, number: int, _: object) -> None:
        if self._signals:
            os._exit(128 + number)
        self._signals.append(number)


def _print(line: str) -> None:
    click.echo(line, nl=False)
