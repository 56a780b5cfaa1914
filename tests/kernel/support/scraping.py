# SPDX-License-Identifier: GPL-2.0-only
"""Metrics as a scraper sees them: the answer parsed by the client library, not by us."""

import json
import subprocess
import sys
from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.snapshot import SnapshotReader
from netvsc_bpf.metrics.text import encode
from netvsc_bpf.metrics.vf_problems import look_up

Key = tuple[str, frozenset[tuple[str, str]]]


class Scrape:
    """The samples of one answer."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: dict[Key, float] = {}
        self.types: dict[str, str] = {}
        for family in text_string_to_metric_families(text):
            self.types[family.name] = family.type
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in self.samples, f"twice: {key}"
                self.samples[key] = sample.value

    def value(self, name: str, **labels: str) -> float | None:
        """One sample by its whole name after the prefix; None where there is none."""
        return self.samples.get((f"netvsc_bpf_{name}", frozenset(labels.items())))

    def of(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """All samples of that name, by their labels."""
        wanted = f"netvsc_bpf_{name}"
        return {labels: value for (found, labels), value in self.samples.items() if found == wanted}

    def counters(self) -> dict[Key, float]:
        """The samples that must never go down."""
        return {key: value for key, value in self.samples.items() if key[0].endswith("_total")}


def collecting(lab: Lab) -> Callable[[], Scrape]:
    """A collector of this process that lasts, as in `run`, and reads the guest at each call."""
    registry = CollectorRegistry()

    def stop(error: Exception | None) -> None:
        if error is not None:
            raise error

    PairCollector(registry, SnapshotReader(), problems=look_up, manager_up=lambda: False, failed=stop)
    return lambda: Scrape(lab.in_guest(encode, registry).decode())


_GET = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=60) as answer:
    sys.stdout.buffer.write(answer.read())
"""


def scrape(lab: Lab, url: str = "http://127.0.0.1:9855/metrics") -> Scrape:
    """Scrape the exporter from within the guest. Raises subprocess.CalledProcessError."""
    return Scrape(lab.run(lab.guest, [sys.executable, "-I", "-c", _GET, url]).stdout)


def try_scrape(lab: Lab, url: str = "http://127.0.0.1:9855/metrics") -> Scrape | None:
    """Scrape it; None without an answer."""
    try:
        return scrape(lab, url)
    except subprocess.CalledProcessError:
        return None


_RAW = """
import json, ssl, sys, urllib.error, urllib.request
url, cafile, authorization = sys.argv[1:]
context = ssl.create_default_context(cafile=cafile) if cafile else None
request = urllib.request.Request(url, headers={"Authorization": authorization} if authorization else {})
try:
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:
        found = answer.status, answer.read().decode()
except urllib.error.HTTPError as error:
    found = error.code, ""
except OSError as error:
    found = 0, str(error)
print(json.dumps(found))
"""


def raw_get(lab: Lab, url: str, *, cafile: str = "", authorization: str = "") -> tuple[int, str]:
    """Ask from within the guest; status 0, and why, where there was no answer at all."""
    done = lab.run(lab.guest, [sys.executable, "-I", "-c", _RAW, url, cafile, authorization])
    status, body = json.loads(done.stdout)
    return int(status), str(body)
