# SPDX-License-Identifier: GPL-2.0-only
"""A check that fails is reported, and the others go on."""

import errno
from typing import Any

import pytest

from netvsc_bpf.doctor import per_pair
from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.per_pair import Around, examine_pair
from netvsc_bpf.model.nic import Pair
from tests.unit.discovery.shapes import VIRTIO


class Vanished:
    """A netlink socket for which the device has just gone."""

    def dump(self, *_: Any) -> list[Any]:
        raise OSError(errno.ENODEV, "No such device")


def test_device_that_goes_while_it_is_looked_at_is_a_warning_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(per_pair, "why_no_tcx", lambda: None)
    found = examine_pair(Vanished(), Pair(VIRTIO, None), Around([VIRTIO], {}, attached=False))
    assert [(one.check, one.level) for one in found] == [
        ("foreign-tc", Level.WARNING),
        ("program-order", Level.WARNING),
    ]
    assert all("No such device" in one.what for one in found)


def test_without_privilege_programs_are_not_asked_for() -> None:
    assert examine_pair(Vanished(), Pair(VIRTIO, None), Around([VIRTIO], None, attached=False)) == []
