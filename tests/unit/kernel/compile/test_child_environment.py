# SPDX-License-Identifier: GPL-2.0-only
"""What reaches the process that compiles: nothing of the caller's surroundings."""

import json
from pathlib import Path
from typing import Any

import pytest

import netvsc_bpf
from netvsc_bpf.kernel.compile import child_environment
from netvsc_bpf.kernel.compile.child_process import CompileChild

_REPORTS = """
import json, os, socket, sys, netvsc_bpf
requests = socket.socket(fileno=0)
requests.recv(1 << 16)
seen = {
    "environment": dict(os.environ),
    "cwd": os.getcwd(),
    "path": sys.path,
    "package": netvsc_bpf.__file__,
    "isolated": sys.flags.isolated,
    "optimize": sys.flags.optimize,
    "utf8": sys.stdout.encoding,
}
requests.sendall(json.dumps(seen).encode())
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
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    seen = _seen_by_child(monkeypatch)
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
    seen = _seen_by_child(monkeypatch)
    assert seen["package"] == netvsc_bpf.__file__
    assert seen["cwd"] == "/"
    assert str(Path(netvsc_bpf.__file__).parents[1]) != seen["path"][0]


def _seen_by_child(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    begin, found, _ = child_environment.START.partition("from netvsc_bpf.kernel.compile import")
    assert found
    monkeypatch.setattr(child_environment, "START", begin.replace("; ", "\n") + _REPORTS)
    with CompileChild() as child:
        answer = child.ask("anything")
    assert isinstance(answer, bytes), answer
    seen: dict[str, Any] = json.loads(answer)
    return seen
