# SPDX-License-Identifier: GPL-2.0-only
"""`--version` says which version, and which sources."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.commands import command_line
from netvsc_bpf.cli.version import source_digest

from netvsc_bpf import __version__

REPO = Path(__file__).resolve().parents[3]


def test_it_is_one_line_of_version_and_digest() -> None:
    result = CliRunner().invoke(command_line, ["--version"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"netvsc-bpf {__version__} (source {source_digest()})\n"


def installed(folder: Path) -> Path:
    """The package as an installation has it, with cli/ and ebpf/ inside."""
    for source, target in (("netvsc_bpf", "."), ("cli", "cli"), ("ebpf", "ebpf")):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPO / source, folder / "netvsc_bpf" / target, ignore=ignore)
    return folder


def digest_of(folder: Path) -> str:
    code = "import sys; sys.path[:0] = sys.argv[1:]; from netvsc_bpf.cli import version as found;"
    code += "print(found.source_digest())"
    command = [sys.executable, "-I", "-S", "-c", code, str(folder)]
    command += [path for path in sys.path if path.endswith("site-packages")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("changed", ["netvsc_bpf/api.py", "netvsc_bpf/cli/top.py", "netvsc_bpf/ebpf/steer.c"])
def test_an_installation_has_the_digest_of_its_checkout_until_a_source_changes(
    changed: str, tmp_path: Path
) -> None:
    folder = installed(tmp_path)
    assert digest_of(folder) == source_digest()
    with (folder / changed).open("a") as source:
        source.write("\n")
    assert digest_of(folder) != source_digest()


def test_the_version_is_written_in_one_place_and_the_debian_package_repeats_it() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "netvsc_bpf.__version__"}
    latest = re.match(r"netvsc-bpf \((.+)\) ", (REPO / "debian/changelog").read_text())
    assert latest is not None and latest[1] == __version__
