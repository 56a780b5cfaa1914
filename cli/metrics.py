# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf metrics."""

import click


@click.command()
def metrics() -> None:
    """Print the metrics once, for textfile collectors. They are those of `run`; no manager is needed."""
    from netvsc_bpf.manager.events import claim
    from netvsc_bpf.metrics.once import scrape

    click.echo(scrape(claim.is_claimed), nl=False)
