# SPDX-License-Identifier: GPL-2.0-only
"""Scraping a manager as Prometheus does, over one kept connection, and what each scrape costs it."""

import http.client
import time
from dataclasses import dataclass

from bench.usage import used
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NetvscBpfError

_PORT = 9855
_PATIENCE_S = 60.0
_WARM = 5
"""Scrapes before the first that counts: caches fill."""


class Scraper:
    """A connection to the manager in the guest of a lab. Raises NetvscBpfError if it does not listen."""

    def __init__(self, lab: Lab) -> None:
        self._connection = lab.in_guest(_connected)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def scrape(self) -> bytes:
        """Scrape once. Raises NetvscBpfError where the answer is not whole."""
        self._connection.request("GET", "/metrics")
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200 or b"netvsc_bpf_scrape_success 1.0" not in body:
            raise NetvscBpfError("cannot scrape", f"status {answer.status}")
        return body


@dataclass(frozen=True, slots=True)
class ScrapeCosts:
    """What each of many scrapes took: CPU time of all threads of the manager, and wall clock."""

    cpu_ms: list[float]
    wall_ms: list[float]
    size: int
    """Bytes of one answer."""


def scrape_costs(scraper: Scraper, pid: int, scrapes: int) -> ScrapeCosts:
    """Scrape so often and measure each one."""
    for _ in range(_WARM):
        size = len(scraper.scrape())
    cpu, wall = [], []
    for _ in range(scrapes):
        before, begin = used(pid), time.perf_counter()
        scraper.scrape()
        wall.append((time.perf_counter() - begin) * 1e3)
        cpu.append((used(pid).cpu_s - before.cpu_s) * 1e3)
    return ScrapeCosts(cpu, wall, size)


def _connected() -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=_PATIENCE_S)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            connection.connect()
            return connection
        except ConnectionRefusedError as error:
            if time.monotonic() > deadline:
                raise NetvscBpfError("cannot measure", "the exporter does not listen") from error
            time.sleep(0.05)
