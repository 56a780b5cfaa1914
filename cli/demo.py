# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf demo."""

import json
import sys
from contextlib import nullcontext

import click
from netvsc_bpf.cli import terminal
from netvsc_bpf.cli.output import best_effort
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from netvsc_bpf.kernel.process.stdio import say
from netvsc_bpf.lab.demo import UDP_RATE, Progress, run_demo
from netvsc_bpf.lab.demo_result import DemoResult
from netvsc_bpf.lab.leak_check import Leftovers
from netvsc_bpf.lab.sandbox import enter_sandbox


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print what happened as JSON, and nothing else.")
@click.option(
    "--rate",
    type=click.IntRange(10, 100_000),
    default=UDP_RATE,
    show_default=True,
    metavar="PACKETS",
    help="UDP packets per second in each direction; lower it on a slow machine.",
)
def demo(as_json: bool, rate: int) -> None:
    """Demonstrate failover in a lab of network namespaces. A VF is removed and returns under traffic.

    Takes about 15 seconds and needs root. The machine's own interfaces are not touched. The exit code is 1 if
    packets were lost that should not have been, or if anything was left behind.
    """
    enter_sandbox()
    console = Console(quiet=as_json, highlight=False, _environ=terminal.environment())
    with best_effort():
        result = _watched(console, rate)
        if as_json:
            click.echo(json.dumps(result.as_json(), indent=2))
        else:
            _show(console, result)
    for problem in result.problems():
        say(f"demo: {problem}")
    if result.problems():
        sys.exit(1)


def _watched(console: Console, rate: int) -> DemoResult:
    # A terminal gets one line that is updated, a pipe one line per event.
    live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    announced = 0

    def watch(now: Progress) -> None:
        nonlocal announced
        if live is not None:
            live.update(_line(now), refresh=True)
        elif now.number > announced:
            announced = now.number
            console.print(f"{now.number}/{now.of} {now.title}")

    with live or nullcontext():
        return run_demo(watch, rate)


def _line(now: Progress) -> Text:
    line = Text(f"{now.number}/{now.of} ")
    line.append(f"{now.title:<20}", style="bold")
    line.append(f"path {now.path:<10}", style="green" if now.path == "vf" else "yellow")
    line.append(f"UDP {now.received:,} of {now.sent:,}  TCP {now.tcp_bytes / 1e6:,.1f} MB")
    return line


def _show(console: Console, result: DemoResult) -> None:
    console.print(_table(result))
    arrived, sent = result.tx.received + result.rx.received, result.tx.sent + result.rx.sent
    tcp = result.tcp
    intact = "intact and in order" if tcp.intact else "NOT intact"
    lines = {
        "tx, rx": "guest to peer, peer to guest",
        "gap": "longest time without an arrival, minus the sender's own pauses",
        "data path": ", ".join(f"{key} {value}" for key, value in result.how.items()),
        "UDP": f"{arrived:,} of {sent:,} packets arrived",
        "TCP": f"{tcp.received:,} bytes {intact}; longest stall {tcp.longest_stall_s * 1e3:.0f} ms",
        "detach": _left(result.left_by_detach, "no pin, no program, no qdisc"),
        "lab": _left(result.left_by_lab, "no namespace, no pin"),
    }
    for name, text in lines.items():
        console.print(f"{name:<10} {text}", soft_wrap=True)


def _table(result: DemoResult) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("event", "path before", "path after"):
        table.add_column(name, no_wrap=True)
    for name in ("lost tx", "lost rx", "gap ms"):
        table.add_column(name, no_wrap=True, justify="right")
    for event in result.events:
        style = "red" if event.problems() else None
        table.add_row(
            event.title,
            event.before,
            event.after,
            str(event.tx.lost),
            str(event.rx.lost),
            f"{max(event.tx.longest_outage_s, event.rx.longest_outage_s) * 1e3:.1f}",
            style=style,
        )
    return table


def _left(left: Leftovers, nothing: str) -> str:
    if not left:
        return f"left nothing behind: {nothing} (checked in the kernel)"
    return "LEFT BEHIND: " + ", ".join((*left.namespaces, *left.pins, *left.hooks))
