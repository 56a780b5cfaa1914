# SPDX-License-Identifier: GPL-2.0-only
"""The cache of compiled programs: found again exactly, and only if no other user can have written it."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from netvsc_bpf.kernel.bpf.map_specs import MapSpec
from netvsc_bpf.kernel.compile import compile_cache
from netvsc_bpf.kernel.compile.compiled import Compiled

KEY = "0" * 64
COMPILED = Compiled(
    (MapSpec("pairs", 2, 4, 512, 1, 1024, 7, 9),), b"\x9f\xeb", {"control": b"\x95" + bytes(7)}
)
OUTSIDER = 12345

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entry(folder: Path) -> Path:
    return folder / f"{KEY}.json"


def test_entry_is_found_as_it_was_kept(folder: Path) -> None:
    assert (compile_cache.find(KEY), compile_cache.has_entries()) == (None, False)
    compile_cache.keep(KEY, COMPILED)
    assert (compile_cache.find(KEY), compile_cache.has_entries()) == (COMPILED, True)
    assert [path.name for path in folder.iterdir()] == [entry(folder).name]


@pytest.mark.parametrize("programs", [[], {}, "none", None, {"control": 5}])
def test_entry_that_is_whole_but_has_no_programs_is_compiled_again(folder: Path, programs: object) -> None:
    body = json.dumps({"maps": [], "btf": "", "programs": programs}).encode()
    compile_cache.keep(KEY, COMPILED)
    entry(folder).write_bytes(hashlib.sha256(body).digest() + body)
    assert compile_cache.find(KEY) is None


def test_entry_is_another_for_each_input_of_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_cache, "bcc_version", lambda: "0.26")
    keys = {
        compile_cache.key("int a;", "", {"A": 1}),
        compile_cache.key("int b;", "", {"A": 1}),
        compile_cache.key("int a;", "#define X", {"A": 1}),
        compile_cache.key("int a;", "", {"A": 2}),
    }
    assert compile_cache.key("int a;", "", {"A": 1}) in keys
    monkeypatch.setattr(compile_cache, "bcc_version", lambda: "0.27")
    keys.add(compile_cache.key("int a;", "", {"A": 1}))
    other = os.uname_result(("Linux", "host", "6.99", "#2", "x86_64"))
    monkeypatch.setattr(os, "uname", lambda: other)
    keys.add(compile_cache.key("int a;", "", {"A": 1}))
    assert len(keys) == 6


def test_nothing_is_kept_where_no_bcc_is_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_cache, "bcc_version", lambda: None)
    name = compile_cache.key("int a;", "", {})
    compile_cache.keep(name, COMPILED)
    assert (name, compile_cache.find(name), folder.exists()) == (None, None, False)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"control", b"contrary")),
        lambda path: path.write_bytes(b""),
        lambda path: path.chmod(0o666),
        lambda path: (path.rename(path.with_suffix(".real")), path.symlink_to(path.with_suffix(".real"))),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: path.parent.chmod(0o777),
        pytest.param(lambda path: os.chown(path, OUTSIDER, -1), marks=as_root),
        pytest.param(lambda path: os.chown(path.parent, OUTSIDER, -1), marks=as_root),
    ],
    ids=[
        "cut",
        "changed",
        "empty",
        "writable",
        "symlink",
        "folder",
        "fifo",
        "open-folder",
        "of-another",
        "folder-of-another",
    ],
)
def test_entry_that_others_could_have_written_is_not_used(folder: Path, spoil: object) -> None:
    compile_cache.keep(KEY, COMPILED)
    spoil(entry(folder))  # type: ignore[operator]
    assert compile_cache.find(KEY) is None


@as_root
def test_nothing_is_kept_in_a_folder_of_another_user(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, OUTSIDER, -1)
    compile_cache.keep(KEY, COMPILED)
    assert list(folder.iterdir()) == []


def test_symlink_in_place_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    compile_cache.keep(KEY, COMPILED)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_newest_entries_are_kept_and_foreign_files_are_not_touched(folder: Path) -> None:
    names = [f"{number:064x}" for number in range(1, compile_cache.ENTRIES + 4)]
    folder.mkdir()
    (folder / "notes.json").write_text("of somebody else")
    unfinished = folder / f"{KEY}.1"
    unfinished.write_text("of a process that was killed")
    os.utime(unfinished, (0, 0))
    for number, name in enumerate(names):
        compile_cache.keep(name, COMPILED)
        os.utime(folder / f"{name}.json", (number, number))
    left = {path.name for path in folder.iterdir()}
    assert left == {"notes.json", *(f"{name}.json" for name in names[-compile_cache.ENTRIES :])}


def test_unfinished_entry_of_an_earlier_process_with_this_pid_is_replaced(folder: Path) -> None:
    folder.mkdir()
    (folder / f"{KEY}.{os.getpid()}").write_text("longer than what comes now" * 100)
    compile_cache.keep(KEY, COMPILED)
    assert compile_cache.find(KEY) == COMPILED
    assert [path.name for path in folder.iterdir()] == [entry(folder).name]


@pytest.mark.parametrize("kind", ["fifo", "hard-link"])
def test_what_bears_the_name_of_the_unfinished_entry_is_not_written_to(folder: Path, kind: str) -> None:
    folder.mkdir()
    unfinished = folder / f"{KEY}.{os.getpid()}"
    if kind == "fifo":
        os.mkfifo(unfinished)
    else:
        (folder.parent / "elsewhere").write_text("kept")
        os.link(folder.parent / "elsewhere", unfinished)
    compile_cache.keep(KEY, COMPILED)
    assert compile_cache.find(KEY) == COMPILED
    assert kind == "fifo" or (folder.parent / "elsewhere").read_text() == "kept"


def test_full_disk_costs_nothing_but_the_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", full)
        compile_cache.keep(KEY, COMPILED)
    assert list(folder.iterdir()) == []
