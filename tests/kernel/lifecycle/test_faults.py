# SPDX-License-Identifier: GPL-2.0-only
"""All or nothing: whichever step of attach fails, the machine is as it was before."""

import errno
import os
from collections.abc import Callable, Iterator

import pytest

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NetvscBpfError
from tests.kernel.direct import Direct, direct, force_clsact
from tests.kernel.faults import Steps, changes, changes_and_first_reads, slots_in_use, stepping
from tests.kernel.machine import assert_as, look

LabFactory = Callable[..., Lab]


@pytest.fixture(params=["tcx", "clsact"])
def here(
    request: pytest.FixtureRequest, lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Direct]:
    """Two pairs, of which eth1 is attached all the time: programs are compiled once, not for each fault."""
    if request.param == "clsact":
        force_clsact(monkeypatch)
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    # Everything is to be changed: the MTU, up or down, the GSO limits.
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "down", "mtu", "1400", "gso_max_size", "30000"])
    with direct(lab) as here:
        here.attach("eth1")
        yield here


def changes_of(here: Direct) -> list[str]:
    with stepping(Steps()) as steps:
        here.attach()
    here.detach()
    return steps.names


def test_step_that_fails_takes_back_the_others(here: Direct) -> None:
    names = changes_of(here)
    before, slots = look(here.lab), slots_in_use(here.lab)
    for at in changes_and_first_reads(names):
        where = f"{names[at]} (call {at})"
        error = outcome(here, Steps(at, fail))
        assert (where, error is None and names[at] != "obj_get") == (where, False)
        if is_attached(here):
            # It was complete, only the look at it failed (or did not matter): it must be usable as it is.
            assert (where, here.attach().status.path) == (where, "vf")
            here.detach()
        assert_as(before, here.lab, where)
        assert (where, slots_in_use(here.lab)) == (where, slots)


def test_step_that_fails_in_a_second_attach_leaves_the_first(here: Direct) -> None:
    here.attach()
    before, slots = look(here.lab), slots_in_use(here.lab)
    with stepping(Steps()) as steps:
        here.attach()
    for at in changes_and_first_reads(steps.names):
        where = f"{steps.names[at]} (call {at})"
        assert (where, outcome(here, Steps(at, fail)) is None) == (where, False)
        assert_as(before, here.lab, where)
        assert (where, slots_in_use(here.lab)) == (where, slots)


def test_vf_that_vanishes_at_any_step_leaves_no_half_pair(here: Direct) -> None:
    names = changes_of(here)
    slots = slots_in_use(here.lab)
    for at in changes(names):
        without = {what: it for what, it in look(here.lab).items() if "vf0" not in what}
        where = f"before {names[at]} (call {at})"
        with stepping(Steps(at, here.lab.unplug_vf)):
            try:
                here.attach()
            except NetvscBpfError as error:
                assert "vanished" in str(error) or "no such interface" in str(error), (where, str(error))
        if is_attached(here):
            assert (where, here.status().vf, here.status().path) == (where, None, "synthetic")
            here.detach()
        assert_as(without, here.lab, where)
        assert (where, slots_in_use(here.lab)) == (where, slots)
        here.lab.plug_vf()


def outcome(here: Direct, steps: Steps) -> NetvscBpfError | None:
    """Attach and return what went wrong, which must be of our own types and one line."""
    try:
        with stepping(steps):
            here.attach()
    except NetvscBpfError as error:
        assert len(str(error).splitlines()) == 1
        return error
    return None


def fail() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def is_attached(here: Direct) -> bool:
    try:
        here.status()
    except NetvscBpfError:
        return False
    return True
