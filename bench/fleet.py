# SPDX-License-Identifier: GPL-2.0-only
"""A fleet, 10,000 VMs by default, for one Prometheus: its series and memory, and what the rules take.

The VMs are made up: one process answers for all of them, each on an address of its own
(bench/fleet_targets.py), with what the real collector says of a pair in one of nine states, in eight
regions, with four pairs of drivers and two versions. Everything else is real: Debian's Prometheus scrapes
each once a minute, and evaluates both files of rules once a minute. The label `region` comes by
relabelling. What the rules count is compared with what the VMs are. Times of queries are those of an HTTP
client, for each query of the dashboard for a fleet. Times of evaluations and queries are wall clock, and
longer on a busy machine; memory and CPU time are not.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bench.fleet_targets import PORT
from bench.fleet_vms import Vm, expected
from bench.report import Report
from bench.usage import memory_mb, used
from bench.waiting import wait
from netvsc_bpf.lab.syscalls import Clone, unshare
from netvsc_bpf.model.errors import NotSupported

_REPO = Path(__file__).resolve().parents[1]
_DEPLOY = _REPO / "deploy"
_RULES = [_DEPLOY / "prometheus" / name for name in ("netvsc-bpf.rules.yml", "netvsc-bpf-fleet.rules.yml")]
DASHBOARD = _DEPLOY / "grafana" / "dashboards" / "netvsc-bpf-fleet.json"
_URL = "http://127.0.0.1:9090"
_PATIENCE_S = 600.0
_WARM = 2.5
"""Scrapes after the first whole one, before what is measured: rates need two of them."""
_FLAPS_S = 20.0
"""For VFs that flap: some failures."""
_MOST_CPUS, _MOST_QUERY_S, _MOST_MB = 1, 1, 8_000
CONFIG = """\
global:
  scrape_interval: {scrape}s
  evaluation_interval: {scrape}s
rule_files: {rules}
scrape_configs:
  - job_name: netvsc-bpf
    file_sd_configs:
      - files: [{targets}]
    relabel_configs:
      - source_labels: [__meta_region]
        target_label: region
"""


def binary() -> Path:
    """Return Debian's Prometheus. Raises NotSupported where it was not fetched."""
    home = os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME', '/root')}/.cache"
    cache = Path(os.environ.get("NETVSC_BPF_CACHE") or f"{home}/netvsc-bpf")
    found = cache / "prometheus" / "usr" / "bin" / "prometheus"
    if not found.exists():
        raise NotSupported("cannot measure", f"there is no {found}", "run scripts/prometheus-setup.sh")
    return found


class Server:
    """A Prometheus that scrapes so many made-up VMs, in this network namespace."""

    def __init__(self, undo: ExitStack, folder: Path, vms: int, scrape_s: int) -> None:
        line = [sys.executable, "-m", "bench.fleet_targets", str(vms)]
        targets = subprocess.Popen(line, stdout=subprocess.PIPE, cwd=_REPO, text=True)
        undo.callback(targets.wait)
        undo.callback(targets.kill)
        assert targets.stdout is not None and targets.stdout.readline() == "listening\n"
        listed = [
            {"targets": [f"{vm.address}:{PORT}"], "labels": {"__meta_region": vm.region}}
            for vm in map(Vm, range(vms))
        ]
        (folder / "targets.json").write_text(json.dumps(listed))
        config = CONFIG.format(
            scrape=scrape_s, rules=json.dumps(list(map(str, _RULES))), targets=folder / "targets.json"
        )
        (file := folder / "prometheus.yml").write_text(config)
        line = [str(binary()), f"--config.file={file}", f"--storage.tsdb.path={folder}/data"]
        line += ["--web.listen-address=127.0.0.1:9090", "--log.level=warn"]
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL)
        undo.callback(process.wait)
        undo.callback(process.kill)
        self.pid, self.vms = process.pid, vms

    def get(self, path: str, **parameters: str) -> Any:
        """Ask its HTTP API and return `data`. Raises OSError."""
        url = f"{_URL}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=_PATIENCE_S) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found

    def value(self, expression: str) -> float:
        """Return the value of the only series, 0 where there is none."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else 0.0

    def wait_scraped(self) -> None:
        """Return when every VM has been scraped once."""

        def every() -> bool:
            try:
                return self.value("count(up)") == self.vms
            except OSError:
                return False  # it does not listen yet

        wait("every VM is scraped", every, patience_s=_PATIENCE_S, pause_s=1)

    def states(self) -> Mapping[str, int]:
        """Return how many VMs the rules count in each state."""
        found = self.query("sum by (state) (netvsc_bpf:fleet_vms_in_state:count)")
        return {one["metric"]["state"]: int(float(one["value"][1])) for one in found}

    def groups(self) -> Mapping[str, float]:
        """Return what the last evaluation of each group of rules took, in s."""
        return {one["name"]: float(one["evaluationTime"]) for one in self.get("rules")["groups"]}


def queries() -> list[tuple[str, str]]:
    """Return every query of the dashboard for a fleet with everything selected, with its panel's title."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    found = [(one["title"], part["expr"]) for one in dashboard["panels"] for part in one.get("targets", [])]
    return [(title, re.sub(r"\$[a-z_]+", ".*", expression)) for title, expression in found]


def measure(report: Report, vms: int, rounds: int, scrape_s: int) -> None:
    """Measure one Prometheus with so many VMs over so many scrapes of each."""
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        server = Server(undo, folder, vms, scrape_s)
        server.wait_scraped()
        time.sleep(_FLAPS_S + _WARM * scrape_s)
        begin, before = time.monotonic(), used(server.pid).cpu_s
        taken: dict[str, list[float]] = {}
        for _ in range(rounds):
            time.sleep(scrape_s)
            for name, seconds in server.groups().items():
                taken.setdefault(name, []).append(seconds)
        share = (used(server.pid).cpu_s - before) / (time.monotonic() - begin)
        _size(report, server, share, scrape_s)
        _rules(report, taken, scrape_s)
        _answers(report, server)


def _size(report: Report, server: Server, share: float, scrape_s: int) -> None:
    series, memory = server.get("status/tsdb")["headStats"]["numSeries"], memory_mb(server.pid)
    scrape = server.value("quantile(0.99, scrape_duration_seconds)")
    answering = int(server.value("sum(up)"))
    rows = [
        ("VMs", server.vms),
        ("of these answering", answering),
        ("samples a VM", int(server.value("max(scrape_samples_scraped)"))),
        ("series in memory", series),
        ("memory, MB", f"{memory['rss']:.0f}"),
        ("peak memory, MB", f"{memory['peak']:.0f}"),
        ("CPUs used on average", share),
        ("a scrape, 99th percentile, ms", 1e3 * scrape),
    ]
    report.table(f"one Prometheus, a scrape every {scrape_s} s", ("", "measured"), rows)
    report.raw("size", {"series": series, "cpus": share, "scrape_s": scrape} | memory)
    report.claim(f"CPUs, {server.vms} VMs", share, _MOST_CPUS, "")
    report.claim(f"memory, {server.vms} VMs", memory["peak"], _MOST_MB, "MB")


def _rules(report: Report, taken: Mapping[str, list[float]], scrape_s: int) -> None:
    rows = [(name, f"{statistics.median(times):.3f}", f"{max(times):.3f}") for name, times in taken.items()]
    report.table("evaluation of each group of rules, s", ("", "median", "longest"), rows)
    report.raw("rules_s", dict(taken))
    whole = sum(statistics.median(times) for times in taken.values())
    report.claim(f"evaluation of all rules, every {scrape_s} s", whole, scrape_s, "s")


def _answers(report: Report, server: Server) -> None:
    found, wanted = server.states(), expected(server.vms)
    rows = [(state, count, found.get(state, -1)) for state, count in wanted.items()]
    report.table("VMs by state", ("", "made", "counted by the rules"), rows)
    wrong = sum(found.get(state) != count for state, count in wanted.items())
    report.claim("states that are counted wrongly", wrong, 0, "")
    times = {}
    for title, expression in queries():
        begin = time.perf_counter()
        answered = server.query(expression)
        times[title] = (time.perf_counter() - begin, len(answered))
    shown = [(title, 1e3 * seconds, series) for title, (seconds, series) in times.items()]
    report.table("each query of the dashboard for a fleet", ("", "ms", "series"), shown)
    report.claim(
        "the slowest query of the dashboard", max(one for one, _ in times.values()), _MOST_QUERY_S, "s"
    )


@click.command()
@click.option("--vms", default=10_000, show_default=True, help="How many VMs there are.")
@click.option("--rounds", default=3, show_default=True, help="How many scrapes of each are measured.")
@click.option(
    "--scrape-s", default=60, show_default=True, help="Time from scrape to scrape, and between evaluations."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(vms: int, rounds: int, scrape_s: int, json_path: Path | None) -> None:
    """Measure one Prometheus with a fleet."""
    unshare(Clone.NEWNET)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    report = Report("fleet", json_path)
    measure(report, vms, rounds, scrape_s)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
