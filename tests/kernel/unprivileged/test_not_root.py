# SPDX-License-Identifier: GPL-2.0-only
"""Another user for a while, with all of root's capabilities, and root again afterwards."""

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest

LOOK = """
import json, os
from pathlib import Path
from netvsc_bpf.kernel.compile.drop_root import not_root

def who():
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return [os.geteuid(), int(lines["CapEff"], 16)]

seen = [who()]
try:
    with not_root():
        seen.append(who())
        raise LookupError
except LookupError:
    seen.append(who())
print(json.dumps(seen))
"""
EFFECTIVE_UID, CAPABILITIES = 0, 1


def looks(*wrapped_in: str) -> Sequence[tuple[int, int]]:
    command = [*wrapped_in, sys.executable, "-P", "-c", LOOK]
    shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [(one[EFFECTIVE_UID], one[CAPABILITIES]) for one in json.loads(shown)]


def test_root_changes_user_temporarily_and_keeps_its_capabilities() -> None:
    before, meanwhile, after = looks()
    assert before == after
    assert before[EFFECTIVE_UID] == 0 != meanwhile[EFFECTIVE_UID]
    assert before[CAPABILITIES] == meanwhile[CAPABILITIES] != 0


@pytest.mark.parametrize(
    "wrapped_in",
    [
        ("setpriv", "--bounding-set=-setpcap", "--inh-caps=-setpcap"),
        ("setpriv", "--reuid=65533", "--clear-groups"),
        ("unshare", "--user", "--map-root-user"),
    ],
    ids=["without-setpcap", "not-root", "user-namespace-of-one"],
)
def test_process_that_cannot_change_user_keeps_its_user(wrapped_in: tuple[str, ...]) -> None:
    before, meanwhile, after = looks(*wrapped_in)
    assert before == meanwhile == after
