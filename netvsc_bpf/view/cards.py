# SPDX-License-Identifier: GPL-2.0-only
"""The state of pairs as `status` prints it for people: one card per pair."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netvsc_bpf.model.names import shown
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Path, Reason, ReturnPolicy
from netvsc_bpf.model.status import PairStatus, PathTraffic
from netvsc_bpf.model.timestamp import local
from netvsc_bpf.view.amounts import count, scaled
from netvsc_bpf.view.probe_words import probe_words
from netvsc_bpf.view.words import drained, end_of_drain, explain, manager, passed_by, put_steer_last, since

PATH_STYLES = {Path.VF: "bold green", Path.SYNTHETIC: "bold yellow"}
_INDENT = (0, 0, 0, 2)


def cards(pairs: Iterable[PairStatus], now: datetime) -> RenderableType:
    """Return a card for each pair, with an empty line between."""
    shown: list[RenderableType] = []
    for pair in pairs:
        if shown:
            shown.append(Text())
        shown += [_heading(pair), Padding(_story(pair, now), _INDENT), Padding(_facts(pair, now), _INDENT)]
    return Group(*shown)


def _heading(pair: PairStatus) -> Text:
    line = Text(shown(pair.synthetic.name), style="bold")
    line.append(f" ({pair.synthetic.driver or 'no driver'})  path ", style="not bold")
    line.append(pair.path.value, style=PATH_STYLES[pair.path])
    line.append(f" ({pair.reason.value})", style="not bold")
    return line


def _story(pair: PairStatus, now: datetime) -> Text:
    explained = explain(pair)
    story = Text(shown(f"{explained.where} {since(pair, now)}"))
    if explained.why is not None:
        story.append(f"\nWhy: {shown(explained.why)}", style="yellow")
    if explained.remedy is not None:
        story.append(f"\n-> {shown(explained.remedy)}", style="bold")
    if pair.drained is not None and pair.reason is not Reason.DRAINED:
        story.append(f"\n{shown(drained(pair))}", style="yellow")
        story.append(f"\n-> {shown(end_of_drain(pair))}", style="bold")
    if pair.passed_by:
        story.append(f"\n{passed_by(pair)}", style="yellow")
        story.append(f"\n-> {shown(put_steer_last(pair))}", style="bold")
    return story


def _facts(pair: PairStatus, now: datetime) -> Table:
    # Text, not str: "[...]" in a name must not be taken for markup.
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    drops = pair.drops
    home = "not counted" if drops.rx_home is None else f"{drops.rx_home:,}"
    name = shown(pair.synthetic.name)
    duplicates = count(drops.rx_duplicate, "duplicate", "duplicates")
    lost = f"{drops.tx_vf:,} by the VF, {home} on delivery to {name}, {duplicates}"
    guard = pair.guard if pair.guard_xdp is None else f"{pair.guard} ({pair.guard_xdp})"
    settle = "" if pair.settle_ms is None else f", settle time {pair.settle_ms} ms"
    returns = ", return manual" if pair.return_policy is ReturnPolicy.MANUAL else ""
    how = f"hook {pair.hook}, liveness {pair.liveness}, rx {pair.rx_mode}, guard {guard}{settle}{returns}"
    well = pair.vf is not None and pair.vf.up and pair.vf.carrier
    table.add_row("VF", Text(_vf(pair.vf, pair.taken_down), style="" if well else "yellow"))
    table.add_row("sent", _traffic(pair.tx))
    table.add_row("received", _traffic(pair.rx))
    table.add_row("dropped", Text(lost, style="red" if drops.tx_vf or drops.rx_home else ""))
    table.add_row("path changes", Text(_path_changes(pair)))
    if pair.probe is not None:
        table.add_row("probe", Text(shown(probe_words(pair.probe, now))))
    table.add_row("data path", Text(how))
    if (said := manager(pair)) is not None:
        table.add_row("manager", Text(said, style="" if pair.managed else "yellow"))
    if pair.chosen is not None:
        table.add_row("chosen", Text(shown(f"{' '.join(pair.chosen.as_options())}, which `run` keeps")))
    return table


def _vf(vf: Nic | None, taken_down: Reason | None) -> str:
    if vf is None:
        return "none"
    link = "up" if vf.carrier else "up, no carrier"
    if not vf.up:
        link = "down" if taken_down is None else f"taken down by netvsc-bpf ({taken_down})"
    where = "" if vf.parent is None else f", {vf.bus} {vf.parent}"
    return f"{shown(vf.name)} ({vf.driver or 'no driver'}{where}), {link}"


def _traffic(direction: PathTraffic) -> Text:
    parts = []
    for title, one in (("VF", direction.vf), ("synthetic", direction.synthetic)):
        parts.append(f"{title} {count(one.packets, 'packet', 'packets')}, {scaled(one.bytes, 'B')}")
    return Text("; ".join(parts))


def _path_changes(pair: PairStatus) -> str:
    if pair.last_change is None:
        return "none"
    return f"{pair.path_changes:,}, last at {local(pair.last_change)}"
