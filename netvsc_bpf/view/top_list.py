# SPDX-License-Identifier: GPL-2.0-only
"""The pairs of `top` as a list, for terminals that are too narrow for the table: down to 40 columns."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from netvsc_bpf.model.names import shown
from netvsc_bpf.model.path import Path
from netvsc_bpf.model.timestamp import local
from netvsc_bpf.view.amounts import count, scaled
from netvsc_bpf.view.cards import PATH_COLOURS
from netvsc_bpf.view.rates import PairRates, PathRates, Rate
from netvsc_bpf.view.words import no_pairs


def top_list(pairs: Iterable[PairRates], now: datetime, footer: str | None = None) -> RenderableType:
    """Return the list for one interval that ended at ``now``."""
    lines = [Text(f"netvsc-bpf top  {local(now)}", style="bold")]
    found = [line for pair in pairs for line in _lines(pair)]
    lines += found or [Text(no_pairs())]
    return Group(*lines, *([Text(footer, style="dim")] if footer else []))


def _lines(one: PairRates) -> list[Text]:
    pair = one.now
    name = Text(f"\n{shown(pair.synthetic.name)}  ", style="bold")
    name.append(pair.path.value, style=f"bold {PATH_COLOURS[pair.path]}")
    name.append(f" ({pair.reason.value})", style="not bold default")
    vf = Text(f"  VF {'none' if pair.vf is None else shown(pair.vf.name)}", style="dim")
    changes = Text(f"  {count(pair.path_changes, 'path change', 'path changes')}, ")
    changes.append(f"{one.drops:,} dropped", style="red" if one.drops else "")
    return [name, vf, *_rates("tx", one.tx), *_rates("rx", one.rx), changes]


def _rates(direction: str, rates: PathRates | None) -> list[Text]:
    if rates is None:
        return [Text(f"  {direction}  -", style="dim")]
    return [
        _rate(f"  {direction}  VF  ", rates.vf, Path.VF),
        _rate(f"  {direction}  syn ", rates.synthetic, Path.SYNTHETIC),
    ]


def _rate(title: str, rate: Rate, path: Path) -> Text:
    style = PATH_COLOURS[path] if rate.packets else "dim"
    return Text(f"{title} {scaled(rate.bits):>6} bit/s {scaled(rate.packets):>6} pkt/s", style=style)
