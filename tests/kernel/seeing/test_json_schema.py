# SPDX-License-Identifier: GPL-2.0-only
"""What the commands really print follows docs/schema: no key is missing, unknown or of another type."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from netvsc_bpf.lab.topology import Lab
from tests.kernel.conftest import Cli
from tests.module_at import module_at

REPO = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def page() -> ModuleType:
    return module_at(REPO / "scripts/json_page.py")


def schema(name: str) -> object:
    return json.loads((REPO / f"docs/schema/{name}.json").read_text())


def test_status_events_and_doctor_follow_their_schemas(
    lab: Lab, netvsc_bpf_cli: Cli, page: ModuleType
) -> None:
    attached = netvsc_bpf_cli("attach", "eth0", "--vf", "vf0", "--json")
    assert page.faults(schema("status"), json.loads(attached.stdout)) == []
    netvsc_bpf_cli("drain", "eth0", "--for", "1h", "--why", "a test")
    drained = json.loads(netvsc_bpf_cli("status", "--json").stdout)
    assert drained[0]["drained"]["why"] == "a test"
    assert page.faults(schema("status"), drained) == []
    lines = netvsc_bpf_cli("events", "--json").stdout.splitlines()
    assert len(lines) >= 2
    assert [fault for line in lines for fault in page.faults(schema("event"), json.loads(line))] == []
    examined = json.loads(netvsc_bpf_cli("doctor", "--json").stdout)
    assert page.faults(schema("doctor"), examined) == []
