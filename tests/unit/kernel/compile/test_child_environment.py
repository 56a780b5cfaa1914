# SPDX-License-Identifier: GPL-2.0-only
"""What reaches the process that compiles: nothing of the caller's surroundings."""

import json
from pathlib import Path
from typing import Any

import pytest

import netvsc_bpf
from netvsc_bpf.kernel.compile import child_environment, parent

_TELLS = """
import json, os, pathlib, sys, netvsc_bpf
request = json.load(sys.stdin)
told = {
    "environment": dict(os.environ),
    "cwd": os.getcwd(),
    "path": sys.path,
    "package": netvsc_bpf.__file__,
    "isolated": sys.flags.isolated,
    "optimize": sys.flags.optimize,
    "utf8": sys.stdout.encoding,
}
pathlib.Path(request["folder"]).write_text(json.dumps(told))
print(json.dumps({"build": 1}))
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
    told = _told(monkeypatch, tmp_path)
    assert told["environment"] == child_environment.ENVIRONMENT
    assert (told["isolated"], told["optimize"], told["utf8"]) == (1, 0, "utf-8")
    assert "/evil" not in str(told["path"])


def test_s88_compiler_has_the_callers_version_and_a_neutral_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    told = _told(monkeypatch, tmp_path)
    assert told["package"] == netvsc_bpf.__file__
    assert told["cwd"] == "/"
    assert str(Path(netvsc_bpf.__file__).parents[1]) != told["path"][0]


def _told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    begin, found, _ = child_environment.START.partition("from netvsc_bpf.kernel.compile import")
    assert found
    monkeypatch.setattr(child_environment, "START", begin.replace("; ", "\n") + _TELLS)
    assert parent._run_child(tmp_path / "told", None, None) == 1
    told: dict[str, Any] = json.loads((tmp_path / "told").read_text())
    return told
