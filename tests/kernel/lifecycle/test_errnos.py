# SPDX-License-Identifier: GPL-2.0-only
"""Any system call may fail for want of memory, descriptors or room: nothing is lost, and it can be repeated.

A sample, by dice that fall the same way each time; `make fault-test` takes every kind of call several times.
"""

import errno
import os
import pathlib
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.bpf import pin_files, program_ahead
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.path import Path
from tests.kernel.direct import direct
from tests.kernel.machine import assert_as, settled
from tests.kernel.support.disturbing import each, fail, failing_calls
from tests.kernel.support.operations import OPERATIONS, PLAN, Operation, scene
from tests.kernel.support.versions import Versions

LabFactory = Callable[..., Lab]
SEED = 93


@pytest.mark.timeout(600)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_s93_call_that_fails_loses_nothing_and_can_be_repeated(
    lab_factory: LabFactory, versions: Versions, operation: Operation
) -> None:
    with scene(lab_factory(PLAN), versions) as here:
        cases = failing_calls(here, operation, SEED, per_kind=1)
        assert len(cases) > 10
        sample = cases[:: 6 if operation.renews else 3]
        wrong = each(here, sample, fail)
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR])
@pytest.mark.parametrize("pin", ["pairs", "home", "layout"])
def test_s93_passing_errno_at_a_pin_is_no_foreign_layout(
    lab_factory: LabFactory, versions: Versions, monkeypatch: pytest.MonkeyPatch, number: int, pin: str
) -> None:
    opened = pin_files.get

    def failing(path: pathlib.Path) -> int:
        if path.name == pin:
            raise OSError(number, os.strerror(number))
        return opened(path)

    with scene(lab_factory(PLAN), versions) as here:
        here.here.attach()
        before = settled(here.lab)
        with monkeypatch.context() as patch:
            patch.setattr(pin_files, "get", failing)
            for command in (datapath.detach_all, lambda: datapath.detach("eth0")):
                with pytest.raises(KernelError):
                    here.lab.in_guest(command)
        assert_as(before, here.lab, "an errno that may pass")
        here.assert_bare("repeated")


def test_attach_needs_no_thread(lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")  # as Python says at pids.max

    with direct(lab_factory(PLAN)) as here, monkeypatch.context() as patch:
        patch.setattr(program_ahead, "threading", SimpleNamespace(Thread=Refused))
        assert here.attach().status.path is Path.VF
