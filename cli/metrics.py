# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf metrics."""

import click


@click.command()
def metrics() -> None:
    """Print the metrics once, for textfile collectors. They are those of `run`; no manager is needed."""
    from prometheus_client import CollectorRegistry

    from netvsc_bpf.datapath.session import reading
    from netvsc_bpf.manager.events import claim
    from netvsc_bpf.metrics.collector import PairCollector
    from netvsc_bpf.metrics.snapshot import SnapshotReader
    from netvsc_bpf.metrics.text import encode
    from netvsc_bpf.metrics.vf_problems import look_up

    def stop(error: Exception | None) -> None:
        if error is not None:
            raise error

    registry = CollectorRegistry()
    with reading("cannot read the metrics"):
        PairCollector(
            registry,
            SnapshotReader(),
            problems=look_up,
            manager_up=claim.is_claimed,
            failed=stop,
        )
        click.echo(encode(registry).decode(), nl=False)
