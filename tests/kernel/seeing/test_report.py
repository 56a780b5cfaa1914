# SPDX-License-Identifier: GPL-2.0-only
"""`report` in a real namespace: with a pair and a manager, with neither, and without privileges."""

import io
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import run
from tests.kernel.conftest import Cli
from tests.kernel.machine import unchanged
from tests.kernel.support.manager import managers

NAMES = {
    *("README.txt", "versions.json", "doctor.json", "status.json", "events.jsonl", "metrics.txt"),
    *("links.json", "programs.json"),
}


def report(done: "subprocess.CompletedProcess[str]", path: Path) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as opened:
        found = {}
        for entry in opened.getmembers():
            file = opened.extractfile(entry)
            assert file is not None
            found[Path(entry.name).name] = file.read().decode()
        return found


def parsed(text: str) -> Any:
    return json.loads(text)


def test_report_with_a_manager_has_everything_masked(lab: Lab, netvsc_bpf_cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "r.tar.gz"
    with managers(lab) as start:
        manager = start()
        manager.wait_vf()
        found = report(netvsc_bpf_cli("report", "-o", str(path)), path)
    assert set(found) == NAMES and "MISSING" not in found["README.txt"]
    mac = lab.plan.pair(0).mac
    assert not any(mac in text for text in found.values())
    (pair,) = parsed(found["status.json"])
    nics = {nic["name"]: nic for nic in parsed(found["links.json"])}
    assert pair["mac"] == nics["eth0"]["mac"] == nics["vf0"]["mac"], "the same pseudonym everywhere"
    assert re.fullmatch("02:00:00:00:00:..", pair["mac"])
    assert any(json.loads(line).get("event") == "joined" for line in found["events.jsonl"].splitlines())
    assert 'netvsc_bpf_vf_active{interface="eth0"} 1' in found["metrics.txt"]
    hooks = {one["interface"]: one for one in parsed(found["programs.json"])["hooks"]}
    assert hooks["eth0"]["xdp"] is not None
    assert len(parsed(found["programs.json"])["links"]) >= 3
    assert parsed(found["doctor.json"])["fit"] is True and parsed(found["versions.json"])["kernel"]


def test_report_changes_nothing_and_works_with_nothing_attached(
    lab: Lab, netvsc_bpf_cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "r.tar.gz"
    with unchanged(lab):
        found = report(netvsc_bpf_cli("report", "--full", "-o", str(path)), path)
    assert set(found) == NAMES and parsed(found["status.json"]) == []
    assert any(nic["mac"] == lab.plan.pair(0).mac for nic in parsed(found["links.json"]))


def test_report_without_privileges_notes_what_is_missing(lab: Lab) -> None:
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    with tempfile.TemporaryDirectory() as folder:  # not below pytest's, which is root's alone
        Path(folder).chmod(0o777)
        path = Path(folder) / "r.tar.gz"
        done = run(lab, "report", "-o", str(path), wrapped_in=user, cwd="/")
        found = report(done, path)
    assert {"README.txt", "versions.json", "links.json"} <= set(found)
    assert not {"status.json", "metrics.txt", "programs.json"} & set(found)
    assert "status.json     MISSING: cannot read the state" in found["README.txt"]
    assert "status.json     MISSING" in done.stdout
