# SPDX-License-Identifier: GPL-2.0-only
"""Opening below a directory: both ways open the same, and neither follows a symlink."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netvsc_bpf.kernel.process.openat2 import open_beneath, walk

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_ITSELF = os.O_PATH | os.O_NOFOLLOW


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").touch()
    (tmp_path / "a/link").symlink_to("b")
    fd = os.open(tmp_path, _FOLDER)
    yield fd
    os.close(fd)


@pytest.mark.parametrize("opening", [open_beneath, walk])
@pytest.mark.parametrize(
    ("path", "flags", "number"),
    [
        (".", _FOLDER, 0),
        ("a/b", _FOLDER, 0),
        ("a/b/file", _ITSELF, 0),
        ("a/link", _ITSELF, 0),
        ("a/link", _FOLDER, errno.ELOOP),
        ("a/link/file", _ITSELF, errno.ELOOP),
        ("a/b/file", _FOLDER, errno.ENOTDIR),
        ("a/b/file/x", _ITSELF, errno.ENOTDIR),
        ("a/none/x", _ITSELF, errno.ENOENT),
        ("none", _FOLDER, errno.ENOENT),
    ],
)
def test_s73_symlink_is_never_followed(
    folder: int, opening: Callable[[int, str, int], int], path: str, flags: int, number: int
) -> None:
    if number:
        with pytest.raises(OSError) as caught:
            opening(folder, path, flags)
        assert caught.value.errno == number
        return
    fd = opening(folder, path, flags)
    try:
        assert os.fstat(fd).st_ino == os.lstat(path, dir_fd=folder).st_ino
    finally:
        os.close(fd)
