# SPDX-License-Identifier: GPL-2.0-only
"""The archive: every part, or why it is missing; written whole or not at all."""

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.commands import command_line

from netvsc_bpf.model.errors import MissingCapability, NetvscBpfError
from netvsc_bpf.report import archive, parts
from netvsc_bpf.report.archive import contents, packed, write
from netvsc_bpf.report.parts import Made, Part, made


def fails() -> str:
    raise MissingCapability("cannot read the state", "CAP_BPF is missing", "run it as root")


def breaks() -> str:
    raise ZeroDivisionError("of 10.1.2.3")


GOOD = Part("status.json", "as of `status --json`", lambda: '{"mac": "00:15:5d:01:02:03", "a": "caf\udce9"}')
BAD = Part("metrics.txt", "as of `metrics`", fails)
BROKEN = Part("links.json", "every interface", breaks)


def files(data: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        found = {}
        for entry in opened.getmembers():
            assert entry.mode == 0o600 and entry.name.startswith("netvsc-bpf-report/")
            file = opened.extractfile(entry)
            assert file is not None
            found[entry.name.removeprefix("netvsc-bpf-report/")] = file.read().decode()
        return found


def test_what_is_missing_is_noted_with_the_reason() -> None:
    found = files(packed([made(GOOD), made(BAD), made(BROKEN)], masked=True))
    assert set(found) == {"status.json", "README.txt"}
    assert found["status.json"] == '{"mac": "02:00:00:00:00:01", "a": "caf\\xe9"}'
    readme = found["README.txt"]
    assert "metrics.txt     MISSING: cannot read the state: CAP_BPF is missing; run it as root" in readme
    assert "links.json      MISSING: ZeroDivisionError: of 198.18.0.1" in readme
    assert "Traceback" in readme and "def breaks" not in readme


def test_full_report_has_addresses_as_they_are() -> None:
    found = files(packed([made(GOOD), made(BROKEN)], masked=False))
    assert "00:15:5d:01:02:03" in found["status.json"] and "of 10.1.2.3" in found["README.txt"]
    assert "(--full)" in found["README.txt"]


def test_contents_name_each_part_once() -> None:
    lines = contents([made(GOOD), made(BAD)], masked=True).splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["status.json", "metrics.txt"]
    assert "read it before you publish it" in lines[-1]


def test_file_is_the_owners_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "r.tar.gz"
    path.write_bytes(b"old")
    write(b"new", path)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "why"),
    [("missing/r", "no such file or directory"), ("", "it is a directory")],
    ids=["folder", "is one"],
)
def test_what_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(NetvscBpfError, match=why):
        write(b"new", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(NetvscBpfError, match=f"cannot write {fifo}: it is not a regular file"):
        write(b"new", fifo)
    assert stat.S_ISFIFO(fifo.stat().st_mode) and list(tmp_path.iterdir()) == [fifo]


def test_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    for content in (b"new", b"newer"):
        write(content, link)
        assert (link.is_symlink(), file.read_bytes()) == (True, content)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives links to others")
def test_link_of_another_user_is_followed_only_where_nobody_else_could_have_made_it(tmp_path: Path) -> None:
    shared, file = tmp_path / "shared", tmp_path / "file"
    shared.mkdir()
    link = shared / "link"
    link.symlink_to(file)
    os.chown(link, 12345, -1, follow_symlinks=False)
    write(b"old", link)
    shared.chmod(0o1777)
    with pytest.raises(NetvscBpfError, match=f"cannot write {link}: it is a symbolic link of another user"):
        write(b"new", link)
    assert (file.read_bytes(), list(shared.iterdir())) == (b"old", [link])


def test_link_to_itself_is_an_error_in_one_line(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("link")
    with pytest.raises(NetvscBpfError, match="too many levels of symbolic links"):
        write(b"new", link)


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, mode: str) -> io.BufferedWriter:
        return io.BufferedWriter(io.FileIO("/dev/full", "w"))

    monkeypatch.setattr(archive.os, "fdopen", full)
    with pytest.raises(NetvscBpfError, match="no space left on device"):
        write(b"new", tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "parts", lambda: (GOOD, BAD))


@pytest.mark.usefixtures("two_parts")
def test_command_says_what_the_archive_contains(tmp_path: Path) -> None:
    path = tmp_path / "r.tar.gz"
    result = CliRunner().invoke(command_line, ["report", "-o", str(path)])
    assert (result.exit_code, result.stderr) == (0, "")
    first, *rest = result.stdout.splitlines()
    assert first == f"{path}: {path.stat().st_size:,} bytes"
    assert rest[0].startswith("status.json") and rest[1].startswith("metrics.txt     MISSING: ")
    assert set(files(path.read_bytes())) == {"status.json", "README.txt"}


@pytest.mark.usefixtures("two_parts")
def test_dash_is_stdout() -> None:
    result = CliRunner().invoke(command_line, ["report", "-o", "-", "--full"])
    assert result.exit_code == 0 and "status.json" in result.stderr
    assert "00:15:5d:01:02:03" in files(result.stdout_bytes)["status.json"]


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (
            "report -o /nonexistent/r.tar.gz",
            1,
            "cannot write /nonexistent/r.tar.gz: no such file or directory",
        ),
        ("report -o /", 1, "cannot write /: it is a directory; choose another file with -o"),
        ("report eth0", 2, "unexpected extra argument"),
        ("report -o", 2, "requires an argument"),
        ("report --masked", 2, "No such option"),
    ],
)
@pytest.mark.usefixtures("two_parts")
def test_bad_input_is_one_clear_line(line: str, code: int, said: str) -> None:
    result = CliRunner().invoke(command_line, line.split())
    assert result.exit_code == code
    assert said in result.stderr.splitlines()[-1]


def test_reason_of_a_part_is_kept_whole() -> None:
    found = made(BROKEN)
    assert found.text is None and found.why_missing is not None
    assert found.why_missing.startswith("Traceback") and isinstance(found, Made)
