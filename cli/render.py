# SPDX-License-Identifier: GPL-2.0-only
"""The state of pairs, as JSON or for people."""

from collections.abc import Sequence
from importlib import import_module

import click

from netvsc_bpf.model.names import json_text
from netvsc_bpf.model.status import PairStatus


def import_for_status(*, as_json: bool) -> None:
    """Import what print_status() will need: `attach` has time for it while the compiler works."""
    if not as_json:
        import_module("netvsc_bpf.view.cards")


def print_status(pairs: Sequence[PairStatus], *, as_json: bool) -> None:
    """Print pairs to stdout in the shape of CONTRACT.md, or as cards."""
    if as_json:
        click.echo(json_text([pair.as_json() for pair in pairs], indent=2))
        return
    if not pairs:
        from netvsc_bpf.view.words import no_pairs

        click.echo(no_pairs())
        return
    from datetime import UTC, datetime

    from netvsc_bpf.cli import terminal

    from netvsc_bpf.view.cards import cards

    click.echo(cards(pairs, datetime.now(UTC), terminal.width()), color=terminal.coloured())
