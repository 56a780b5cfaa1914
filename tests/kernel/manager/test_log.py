# SPDX-License-Identifier: GPL-2.0-only
"""What `run` writes to stderr: who it is, what it takes over, where metrics are, and that it ends."""

import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path as FilePath

import pytest

from netvsc_bpf import __version__, datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import PROGRAM
from tests.kernel.conftest import Cli
from tests.kernel.manager.conftest import Start
from tests.kernel.support.waiting import eventually

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}[-+]\d\d:\d\d  (\w+) +  ?(.*)")


def logged(
    lab: Lab, log: FilePath, *options: str, wait_for: Sequence[str] = ("ready",)
) -> list[tuple[str, str]]:
    """The log of a manager that is ended once it has written all of `wait_for`: severities and texts."""
    command = [*PROGRAM, "--netns", lab.guest, "run", *options]
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr)
    try:
        eventually(
            f"{wait_for} in {log}",
            lambda: all(part in log.read_text() for part in wait_for) or process.poll() is not None,
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    found = [LINE.fullmatch(line) for line in log.read_text().splitlines()]
    assert all(found), log.read_text()
    return [(one[1], one[2]) for one in found if one is not None]


def test_log_begins_with_the_version_and_ends_with_the_end(lab: Lab, tmp_path: FilePath) -> None:
    lab.in_guest(datapath.attach, "eth0", AttachOptions(vf="vf0", settle_ms=20))
    try:
        expected = ("adopted", "metrics on")
        lines = logged(lab, tmp_path / "log", "eth0", "--metrics-listen", "127.0.0.1:0", wait_for=expected)
    finally:
        lab.in_guest(datapath.detach_all)
    assert lines[0] == ("info", f"manager: started: netvsc-bpf {__version__} manages eth0")
    texts = [text for _, text in lines]
    (url,) = (text for text in texts if "metrics on" in text)
    assert re.search(r"http://127\.0\.0\.1:[1-9]\d*/metrics$", url), url
    assert "eth0: adopted: attached before, with VF vf0 (used)" in texts
    assert lines[-1] == ("info", "manager: stopped: stopped by a signal; the data path stays")


def test_with_nothing_to_do_it_says_so(lab: Lab, tmp_path: FilePath) -> None:
    lines = logged(lab, tmp_path / "log", "--metrics-listen", "none")
    assert [text.split(": ", 1)[1] for _, text in lines] == [
        f"started: netvsc-bpf {__version__} manages every synthetic NIC",
        "ready: no synthetic NIC is here yet; it is managed as soon as it appears",
        "stopped: stopped by a signal; the data path stays",
    ]


def test_ready_counts_what_is_not_attached(lab: Lab, tmp_path: FilePath) -> None:
    lab.run(lab.guest, ["ip", "link", "add", "br0", "type", "bridge"])
    lab.run(lab.guest, ["ip", "link", "set", "dev", "vf0", "master", "br0"])
    lines = logged(lab, tmp_path / "log", "eth0", "--any-bus", "--metrics-listen", "none")
    texts = [text for _, text in lines]
    ready = "manager: ready: 1 pair is managed, of which 1 is not attached yet: see above"
    assert ready in texts, texts
    assert any("it belongs to bridge br0" in text for text in texts[: texts.index(ready)]), texts


def test_debug_has_each_reconciliation(lab: Lab, tmp_path: FilePath) -> None:
    lines = logged(lab, tmp_path / "log", "-v", "--metrics-listen", "none", wait_for=["reconciled"])
    assert any(severity == "debug" and "reconciled: took" in text for severity, text in lines)


@pytest.mark.parametrize("quiet", [("-q",), ("--log-level", "warning"), ("--config", "FILE")])
def test_quiet_has_warnings_only(lab: Lab, tmp_path: FilePath, quiet: tuple[str, ...]) -> None:
    file = tmp_path / "x.toml"
    file.write_text("[log]\nlevel = 'warning'\n")
    options = [str(file) if one == "FILE" else one for one in quiet]
    lines = logged(lab, tmp_path / "log", "eth7", *options, "--metrics-listen", "none", wait_for=["waiting"])
    assert lines == [("warning", "eth7: waiting: no such interface yet")]


def test_events_are_kept_whatever_the_level_of_the_log(lab: Lab, start: Start, netvsc_bpf_cli: Cli) -> None:
    manager = start(lab, "eth0", "-qq")
    manager.wait_vf()
    shown = netvsc_bpf_cli("events").stdout
    assert manager.events == [] and "joined" in shown and "reconciled" not in shown
