# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf metrics."""

import click


@click.command()
def metrics() -> None:
    """Print the metrics once, for textfile collectors. No manager is needed.

    They are those of `run`, without those of the manager itself.
    """
    from netvsc_bpf.manager.events import claim
    from netvsc_bpf.metrics.once import scrape

    click.echo(scrape(claim.is_claimed), nl=False)
