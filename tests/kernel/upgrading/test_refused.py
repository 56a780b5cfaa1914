# SPDX-License-Identifier: GPL-2.0-only
"""New programs that cannot be had, or that a hook does not take: the old ones go on as before."""

import errno
import os

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import CompileError, ForeignLayout, KernelError, NetvscBpfError
from tests.kernel.direct import direct, force_clsact
from tests.kernel.faults import Steps, stepping
from tests.kernel.machine import assert_as, look, unchanged
from tests.kernel.support.versions import Versions, assert_of_one_version, hooked, unfinished


@pytest.mark.parametrize(
    ("source", "more", "error"),
    [
        ("home.c", "this is no C\n", CompileError),
        ("abi.h", "#undef NIC_SLOTS\n#define NIC_SLOTS 1024\n", ForeignLayout),
    ],
    ids=["no-c", "larger-maps"],
)
def test_s65_programs_that_do_not_load_leave_the_old_ones(
    lab: Lab, versions: Versions, source: str, more: str, error: type[NetvscBpfError]
) -> None:
    with direct(lab) as here:
        here.attach()
        before = hooked(lab)
        versions.next(source, more)
        with unchanged(lab), pytest.raises(error) as caught:
            here.attach()
        assert len(str(caught.value).splitlines()) == 1
        assert (hooked(lab), here.status().path) == (before, "vf")


@pytest.mark.parametrize("hook", ["best", "clsact"])
def test_s65_hook_that_refuses_its_new_program_takes_all_back(
    lab: Lab, versions: Versions, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    if hook == "clsact":
        force_clsact(monkeypatch)
    with direct(lab) as here:
        status = here.attach().status
        versions.next()
        with stepping(Steps()) as steps:
            here.attach()
        update = "replace" if status.hook == "clsact" else "link_update"
        for at in [number for number, name in enumerate(steps.names) if name in (update, "link_update")]:
            before, machine = hooked(lab), look(lab)
            versions.next()
            with stepping(Steps(at, _refuse)), pytest.raises(KernelError, match="new programs"):
                here.attach()
            assert hooked(lab) == before
            assert_as(machine, lab)
        here.attach()
        assert_of_one_version(hooked(lab))


def test_s65_externally_changed_hook_is_left_to_repair(lab: Lab, versions: Versions) -> None:
    """The expected old program is named: what is not ours is not replaced blindly."""
    with direct(lab) as here:
        here.attach()
        lab.run(lab.guest, ["ip", "link", "del", "vf0"])  # its home goes with it
        versions.next()
        assert here.attach(vf=None).status.path == "synthetic"
        assert unfinished() == []
        lab.plug_vf()
        assert here.attach().status.path == "vf"
        assert_of_one_version(hooked(lab))


def _refuse() -> None:
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
