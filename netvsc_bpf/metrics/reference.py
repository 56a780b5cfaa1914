# SPDX-License-Identifier: GPL-2.0-only
"""docs/metrics.md, from what the collector describes.

`python -m netvsc_bpf.metrics.reference docs/metrics.md` writes it anew; a test compares.
"""

import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.families import FAMILIES, Family, Source
from netvsc_bpf.metrics.snapshot import Snapshot

_HEAD = """\
# Metrics

For operators who build dashboards and alerts: every metric, and where it comes from.

`netvsc-bpf run` serves them on 127.0.0.1:9855 by default (`--metrics-listen ADDR:PORT`, or `none`). TLS and
users are set in the `[metrics]` section of its [configuration file](configuration.md): `cert_file`,
`key_file`, and `users` with bcrypt hashes. With `--netns NAME` the address is one of that network
namespace. `netvsc-bpf metrics` prints them once, for a textfile collector, with a manager or without.

- Labels name the synthetic NIC. A VF is named by `netvsc_bpf_interface_info` alone: it comes and goes.
- Counters of a pair live in pinned maps: they survive the manager's restart, upgrade and death. They begin
  anew when the pair is detached. What only the VF counted is added up by the process that is scraped, over
  the VFs that it has seen: errors, missed frames, stopped queues, and what a VF dropped that is gone.
- A counter whose labels have a closed set of values is there with 0 before its first event, so that
  `increase()` and `rate()` see that one too.
- A scrape is one netlink dump and a look at the maps; it takes no lock that a packet could meet.
- The format is Prometheus' text format 0.0.4.

[alerts.md](alerts.md) and the dashboard in [deploy/grafana](../deploy/grafana) use these.

<!-- Written by netvsc_bpf/metrics/reference.py from the collector; change that. -->
"""
_TITLES = {
    Source.PAIRS: "Of each attached pair",
    Source.PROGRAMS: "Of the programs",
    Source.MANAGER: "Of the manager",
    Source.EXPORTER: "Of the exporter",
}
_SAYS = {
    Source.PAIRS: "From pinned maps and netlink; there as long as something is attached.",
    Source.PROGRAMS: "From the kernel. It counts runs while `kernel.bpf_stats_enabled` is 1, which is for "
    "you to set: it costs some nanoseconds a packet.",
    Source.MANAGER: "Only from `netvsc-bpf run`; they begin anew with each start.",
    Source.EXPORTER: "Of whoever answers the scrape.",
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
        parts.append(f"## {_TITLES[source]}\n\n{_SAYS[source]}\n\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def _row(family: Family) -> str:
    labels = ", ".join(family.labels)
    return f"| `{family.full_name}` | {family.type.value} | {labels} | {family.help} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
