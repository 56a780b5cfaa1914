# SPDX-License-Identifier: GPL-2.0-only
"""Generates docs/metrics.md from what the collector describes.

`python -m netvsc_bpf.metrics.reference docs/metrics.md` writes it; a test checks that it is up to date.
"""

import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.families import FAMILIES
from netvsc_bpf.metrics.family import Family, Source
from netvsc_bpf.metrics.snapshot import Snapshot

_HEAD = """\
# Metrics

For operators who build dashboards and alerts: every metric, and where it comes from.

`netvsc-bpf run` serves metrics on 127.0.0.1:9855 by default (`--metrics-listen ADDR:PORT`, or `none`). TLS
and users are set in the `[metrics]` section of its [configuration file](configuration.md): `cert_file`,
`key_file`, and `users` with bcrypt hashes. With `--netns NAME` it listens in that network namespace.
`netvsc-bpf metrics` prints the metrics once, for a textfile collector, with or without a manager.

- Labels name the synthetic NIC. Only `netvsc_bpf_interface_info` names the VF, because VFs come and go.
- Counters of a pair are kept in pinned maps: they survive restarts, upgrades and crashes of the manager.
  They start again from 0 when the pair is detached and attached. The VF's own counters (errors, missed
  frames, stopped queues, drops of a removed VF) are summed by the process that is scraped, over the VFs it
  has seen.
- A counter whose label values are a closed set has a sample of 0 before its first event, so that `increase()`
  and `rate()` count the first event too.
- A scrape reads one netlink dump and the maps; it takes no lock that packets need.
- The format is Prometheus' text format 0.0.4.

[alerts.md](alerts.md) and the dashboard in [deploy/grafana](../deploy/grafana) use these metrics.

<!-- Written by netvsc_bpf/metrics/reference.py from the collector; change that. -->
"""
TITLES = {
    Source.PAIRS: "Attached pairs",
    Source.PROGRAMS: "Programs",
    Source.MANAGER: "Manager",
    Source.EXPORTER: "Exporter",
}
SAYS = {
    Source.PAIRS: "Read from pinned maps and netlink, as long as a pair is attached.",
    Source.PROGRAMS: "Read from the kernel. Runs are counted while the sysctl `kernel.bpf_stats_enabled` is "
    "1, which costs some nanoseconds per packet.",
    Source.MANAGER: "Only from `netvsc-bpf run`; reset when it restarts.",
    Source.EXPORTER: "About the process that answers the scrape.",
}


def page() -> str:
    """Return the text of docs/metrics.md."""
    collector = PairCollector(CollectorRegistry(), Snapshot, problems=lambda _: {}, manager_up=lambda: False)
    described = {(metric.name, metric.documentation) for metric in collector.describe()}
    assert described == {(one.empty().name, one.help) for one in FAMILIES}
    parts = [_HEAD]
    for source in Source:
        rows = [_row(family) for family in FAMILIES if family.source is source]
        table = ["| name | type | labels | |", "|---|---|---|---|", *rows]
        parts.append(f"## {TITLES[source]}\n\n{SAYS[source]}\n\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def _row(family: Family) -> str:
    labels = ", ".join(family.labels)
    return f"| `{family.full_name}` | {family.type.value} | {labels} | {family.help} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
