# SPDX-License-Identifier: GPL-2.0-only
"""A real Prometheus, as scripts/prometheus-setup.sh unpacks it: promtool, and the server in a lab."""

import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NotSupported
from tests.kernel.support.waiting import eventually

REPO = Path(__file__).resolve().parents[3]
RULES = REPO / "deploy" / "prometheus"
_PORT = 9090


def binary(name: str) -> Path:
    """Return `prometheus` or `promtool`. Raises NotSupported where it was not fetched."""
    home = os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME', '/root')}/.cache"
    cache = Path(os.environ.get("NETVSC_BPF_CACHE") or f"{home}/netvsc-bpf")
    found = cache / "prometheus" / "usr" / "bin" / name
    if not found.exists():
        raise NotSupported(f"cannot run {name}", f"there is no {found}", "scripts/prometheus-setup.sh")
    return found


def binary_or_skip(name: str) -> Path:
    try:
        return binary(name)
    except NotSupported as error:
        pytest.skip(f"{type(error).__name__}: {error}")


def promtool(*args: str, stdin: str | None = None) -> str:
    """Run promtool and return what it said; fail the test where it is not content."""
    done = subprocess.run(
        [str(binary_or_skip("promtool")), *args], input=stdin, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Prometheus:
    """One server; its questions are asked from within its namespace."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def get(self, path: str, **parameters: str) -> Any:
        """Ask its HTTP API and return `data`. Raises subprocess.CalledProcessError."""
        url = f"http://127.0.0.1:{_PORT}/{path}?{urllib.parse.urlencode(parameters)}"
        answer = json.loads(self._lab.run(self._lab.guest, [sys.executable, "-I", "-c", _GET, url]).stdout)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        found: list[dict[str, Any]] = self.get("api/v1/query", query=expression)["result"]
        return found

    def value(self, expression: str) -> float | None:
        """Return the value of the only series; None where there is none."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        alerts = self.get("api/v1/alerts")["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}


_GET = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=60) as answer:
    sys.stdout.buffer.write(answer.read())
"""


@contextmanager
def prometheus(lab: Lab, folder: Path, config: str) -> Iterator[Prometheus]:
    """Run a server in the guest with this configuration; its data is below `folder`."""
    file = folder / "prometheus.yml"
    file.write_text(config)
    promtool("check", "config", str(file))
    argv = [str(binary_or_skip("prometheus")), f"--config.file={file}", f"--storage.tsdb.path={folder}/data"]
    argv += [f"--web.listen-address=127.0.0.1:{_PORT}", "--log.level=warn"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command_in(lab.guest, argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        server = Prometheus(lab)

        def ready() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                return server.value("vector(1)") == 1
            except subprocess.CalledProcessError:
                return False

        eventually("Prometheus answers", ready)
        yield server
    finally:
        process.kill()
        process.wait()
