# SPDX-License-Identifier: GPL-2.0-only
"""The state of pairs as `status` prints it for people: one card per pair.

Without rich, whose import takes a fifth of the time of `status`: a card needs no columns but one of titles.
"""

import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime

from click import style

from netvsc_bpf.model.names import shown
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Path, Reason, ReturnPolicy
from netvsc_bpf.model.status import PairStatus, PathTraffic
from netvsc_bpf.model.timestamp import local
from netvsc_bpf.view.amounts import count, scaled
from netvsc_bpf.view.probe_words import probe_words
from netvsc_bpf.view.words import drained, end_of_drain, explain, manager, passed_by, put_steer_last, since

PATH_COLOURS = {Path.VF: "green", Path.SYNTHETIC: "yellow"}
_INDENT = "  "
_TITLES = len("path changes") + 2
"""Columns of the titles and of the gap after them."""


def cards(pairs: Iterable[PairStatus], now: datetime, width: int) -> str:
    """Return a card for each pair, an empty line between, in lines of `width` columns, with ANSI styles."""
    return "\n\n".join("\n".join(_card(pair, now, width)) for pair in pairs)


def _card(pair: PairStatus, now: datetime, width: int) -> Iterator[str]:
    yield from _heading(pair, width)
    for text, colour, bold in _story(pair, now):
        for line in _lines(text, width - len(_INDENT)):
            yield _INDENT + _styled(line, colour, bold=bold)
    for title, text, colour in _facts(pair, now):
        for number, line in enumerate(_lines(text, width - len(_INDENT) - _TITLES)):
            yield _INDENT + style(f"{'' if number else title:{_TITLES}}", dim=True) + _styled(line, colour)


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _styled(text: str, colour: str | None, *, bold: bool = False) -> str:
    return style(text, fg=colour, bold=bold or None) if colour or bold else text


def _heading(pair: PairStatus, width: int) -> Iterator[str]:
    name, path, colour = shown(pair.synthetic.name), pair.path.value, PATH_COLOURS[pair.path]
    driver, reason = f" ({pair.synthetic.driver or 'no driver'})", f" ({pair.reason.value})"
    first = style(name, bold=True) + driver
    second = "path " + style(path, fg=colour, bold=True) + reason
    if len(name + driver) + len(f"  path {path}{reason}") <= width:
        yield f"{first}  {second}"
    else:
        yield first
        yield second


def _story(pair: PairStatus, now: datetime) -> Iterator[tuple[str, str | None, bool]]:
    """Yield texts with colour and whether they are bold: where the pair is, why, and what helps."""
    explained = explain(pair)
    yield shown(f"{explained.where} {since(pair, now)}"), None, False
    if explained.why is not None:
        yield f"Why: {shown(explained.why)}", "yellow", False
    if explained.remedy is not None:
        yield f"-> {shown(explained.remedy)}", None, True
    if pair.drained is not None and pair.reason is not Reason.DRAINED:
        yield shown(drained(pair)), "yellow", False
        yield f"-> {shown(end_of_drain(pair))}", None, True
    if pair.passed_by:
        yield passed_by(pair), "yellow", False
        yield f"-> {shown(put_steer_last(pair))}", None, True


def _facts(pair: PairStatus, now: datetime) -> Iterator[tuple[str, str, str | None]]:
    """Yield titles, texts and their colours."""
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
    yield "VF", _vf(pair.vf, pair.taken_down), None if well else "yellow"
    yield "sent", _traffic(pair.tx), None
    yield "received", _traffic(pair.rx), None
    yield "dropped", lost, "red" if drops.tx_vf or drops.rx_home else None
    yield "path changes", _path_changes(pair), None
    if pair.probe is not None:
        yield "probe", shown(probe_words(pair.probe, now)), None
    yield "data path", how, None
    if (said := manager(pair)) is not None:
        yield "manager", said, None if pair.managed else "yellow"
    if pair.chosen is not None:
        options = " ".join(pair.chosen.as_options())
        yield "chosen", shown(f"{options}, kept unless the configuration of `run` sets it"), None


def _vf(vf: Nic | None, taken_down: Reason | None) -> str:
    if vf is None:
        return "none"
    link = "up" if vf.carrier else "up, no carrier"
    if not vf.up:
        link = "down" if taken_down is None else f"taken down by netvsc-bpf ({taken_down})"
    where = "" if vf.parent is None else f", {vf.bus} {vf.parent}"
    return f"{shown(vf.name)} ({vf.driver or 'no driver'}{where}), {link}"


def _traffic(direction: PathTraffic) -> str:
    parts = []
    for title, one in (("VF", direction.vf), ("synthetic", direction.synthetic)):
        parts.append(f"{title} {count(one.packets, 'packet', 'packets')}, {scaled(one.bytes, 'B')}")
    return "; ".join(parts)


def _path_changes(pair: PairStatus) -> str:
    if pair.last_change is None:
        return "none"
    return f"{pair.path_changes:,}, last at {local(pair.last_change)}"
