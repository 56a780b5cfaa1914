# SPDX-License-Identifier: GPL-2.0-only
"""Settings of the unit tests."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from netvsc_bpf.kernel.bpf.pin_layout import ROOT_NAME
from netvsc_bpf.kernel.process import pin_root

# An example that takes long says that the machine is busy, no more.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times for people are local: have the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def bpffs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that passes for a bpffs, with our folder in it."""
    monkeypatch.setattr(pin_root, "filesystem_type", lambda _: pin_root.BPF_FS_MAGIC)
    (tmp_path / ROOT_NAME).mkdir(0o700)
    return tmp_path
