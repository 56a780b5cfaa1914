# SPDX-License-Identifier: GPL-2.0-only
"""Whose things in our folder are believed."""

import pwd
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from netvsc_bpf.kernel.process import pin_root

SERVICE_UID = 4711


@pytest.fixture(autouse=True)
def uncached() -> Iterator[None]:
    """Begin without what was looked up before, and leave this file's user to no other test."""
    pin_root._uid.cache_clear()
    yield
    pin_root._uid.cache_clear()


def test_s73_only_root_the_process_and_the_service_are_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pin_root.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=SERVICE_UID))
    assert [pin_root.trusted(uid) for uid in (0, 1000, SERVICE_UID, 1001)] == [True, True, True, False]


def test_s93_service_user_that_could_not_be_looked_up_once_is_looked_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(name: str) -> None:
        raise KeyError(name)  # what pwd makes of EMFILE, too

    monkeypatch.setattr(pwd, "getpwnam", refused)
    assert not pin_root.trusted(SERVICE_UID)
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=SERVICE_UID))
    assert pin_root.trusted(SERVICE_UID)
    monkeypatch.setattr(pwd, "getpwnam", refused)
    assert pin_root.trusted(SERVICE_UID), "what was found is kept"
