# SPDX-License-Identifier: GPL-2.0-only
"""The table of `top`: one row of two lines per pair, within 80 columns. Narrower: top_list.py."""

from collections.abc import Iterable
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from netvsc_bpf.model.names import shown
from netvsc_bpf.model.path import Path
from netvsc_bpf.model.timestamp import local
from netvsc_bpf.view.amounts import scaled
from netvsc_bpf.view.cards import PATH_COLOURS
from netvsc_bpf.view.rates import PairRates, PathRates, Rate
from netvsc_bpf.view.words import no_pairs

LEAST_WIDTH = 80
"""Columns that the table needs."""


def top_table(pairs: Iterable[PairRates], now: datetime, footer: str | None = None) -> Table:
    """Return the table for one interval that ended at ``now``."""
    rows = list(pairs)
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0),  # the box style already puts a blank between columns
        title=f"netvsc-bpf top  {local(now)}",
        title_justify="left",
        title_style="bold",
        caption=footer if rows else no_pairs(),
        caption_justify="left",
    )
    table.add_column("pair\nVF", no_wrap=True)
    table.add_column("path\nreason", no_wrap=True)
    for heading in ("tx VF", "tx syn", "rx VF", "rx syn"):
        table.add_column(f"{heading}\nbit/s\npkt/s", justify="right", no_wrap=True, min_width=7)
    table.add_column("path\nchanges", justify="right", no_wrap=True)
    table.add_column("drops", justify="right", no_wrap=True)
    for one in rows:
        table.add_row(*_row(one))
    return table


def _row(one: PairRates) -> list[Text]:
    pair = one.now
    name = Text(shown(pair.synthetic.name), style="bold")
    name.append(f"\n{'no VF' if pair.vf is None else shown(pair.vf.name)}", style="not bold dim")
    path = Text(pair.path.value, style=f"bold {PATH_COLOURS[pair.path]}")
    path.append(f"\n{pair.reason.value}", style="not bold default")
    drops = Text(f"{one.drops:,}", style="red" if one.drops else "")
    return [name, path, *_cells(one.tx), *_cells(one.rx), Text(f"{pair.path_changes:,}"), drops]


def _cells(direction: PathRates | None) -> list[Text]:
    if direction is None:
        return [Text("-\n-", style="dim"), Text("-\n-", style="dim")]
    return [_cell(direction.vf, Path.VF), _cell(direction.synthetic, Path.SYNTHETIC)]


def _cell(rate: Rate, path: Path) -> Text:
    style = PATH_COLOURS[path] if rate.packets else "dim"
    return Text(f"{scaled(rate.bits)}\n{scaled(rate.packets)}", style=style)
