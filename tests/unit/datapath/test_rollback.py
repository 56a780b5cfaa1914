# SPDX-License-Identifier: GPL-2.0-only
"""Of several errors the first is the one that is raised."""

import pytest

from netvsc_bpf.datapath.rollback import Undo
from netvsc_bpf.model.errors import KernelError


def test_s88_first_error_is_raised_though_undoing_fails_too() -> None:
    undone = []

    def fails() -> None:
        undone.append("second")
        raise KernelError("cannot restore the MTU", "it vanished")

    with pytest.raises(KernelError, match="cannot turn IPv6 off") as caught, Undo() as undo:
        undo.callback(undone.append, "first")
        undo.callback(fails)
        raise KernelError("cannot turn IPv6 off", "/proc/sys is read-only", "mount it read-write")
    assert undone == ["second", "first"]
    assert str(caught.value) == (
        "cannot turn IPv6 off: /proc/sys is read-only (and not everything could be undone: cannot "
        "restore the MTU: it vanished); mount it read-write"
    )


def test_error_of_another_kind_keeps_what_could_not_be_undone() -> None:
    with pytest.raises(OSError, match="ENOMEM") as caught, Undo() as undo:
        undo.callback(_fail)
        raise OSError("ENOMEM")
    assert "ValueError('left')" in caught.value.__notes__[0]


def test_without_an_error_of_its_own_that_of_the_undoing_is_raised() -> None:
    with pytest.raises(ValueError, match="left"), Undo() as undo:
        undo.callback(_fail)


def _fail() -> None:
    raise ValueError("left")
