# SPDX-License-Identifier: GPL-2.0-only
"""What reaches the process that compiles: nothing of the caller's surroundings."""

import json
from pathlib import Path
from typing import Any

import pytest

import netvsc_bpf
from netvsc_bpf.kernel.compile import child_environment, parent

_REPORTS = """
import json, os, pathlib, socket, sys, netvsc_bpf
requests = socket.socket(fileno=0)
request = json.loads(requests.recv(1 << 16))
seen = {
    "environment": dict(os.environ),
    "cwd": os.getcwd(),
    "path": sys.path,
    "package": netvsc_bpf.__file__,
    "isolated": sys.flags.isolated,
    "optimize": sys.flags.optimize,
    "utf8": sys.stdout.encoding,
}
pathlib.Path(request["folder"]).write_text(json.dumps(seen))
requests.sendall(json.dumps({"build": 1}).encode())
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BCC_KERNEL_SOURCE", "/nonexistent"),
        ("BCC_LINUX_VERSION_CODE", "1"),
        ("C_INCLUDE_PATH", "/evil"),
        ("CPATH", "/evil"),
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C"),
        ("LD_BIND_NOW", "1"),
        ("LD_LIBRARY_PATH", "/evil"),
        ("LIBBCC_BTF", "1"),
        ("PATH", "/evil"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONHOME", "/evil"),
        ("PYTHONOPTIMIZE", "2"),
        ("PYTHONPATH", "/evil"),
        ("PYTHONUTF8", "0"),
        ("TMPDIR", "/nonexistent"),
    ],
)
def test_s88_environment_of_the_compiler_is_fixed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    seen = _seen_by_child(monkeypatch, tmp_path)
    assert seen["environment"] == child_environment.ENVIRONMENT
    assert (seen["isolated"], seen["optimize"], seen["utf8"]) == (1, 0, "utf-8")
    assert "/evil" not in str(seen["path"])


def test_s88_compiler_has_the_callers_version_and_a_neutral_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    seen = _seen_by_child(monkeypatch, tmp_path)
    assert seen["package"] == netvsc_bpf.__file__
    assert seen["cwd"] == "/"
    assert str(Path(netvsc_bpf.__file__).parents[1]) != seen["path"][0]


def _seen_by_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    begin, found, _ = child_environment.START.partition("from netvsc_bpf.kernel.compile import")
    assert found
    monkeypatch.setattr(child_environment, "START", begin.replace("; ", "\n") + _REPORTS)
    assert parent._run_child(tmp_path / "seen", None, None) == 1
    seen: dict[str, Any] = json.loads((tmp_path / "seen").read_text())
    return seen
