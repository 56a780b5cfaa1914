# SPDX-License-Identifier: GPL-2.0-only
"""kill -9 before any system call that changes something, of a command or of a manager.

Then every command is used, the other pair is served, and this one is mended or leaves nothing. A sample that
moves from one part of the operation to the next; `make fault-test` kills before every one.
"""

import os
import signal
from collections.abc import Callable

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.bpf import pins
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NotAttached
from netvsc_bpf.model.path import Path
from tests.kernel.support.commands_inside import command
from tests.kernel.support.disturbing import each, kill, killing_calls
from tests.kernel.support.operations import OPERATIONS, PLAN, RUN, UPGRADE, Operation, scene
from tests.kernel.support.supervised import KILL, supervised
from tests.kernel.support.versions import Versions

LabFactory = Callable[..., Lab]
SAMPLE = 5
"""Kills of each operation."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("operation", [*OPERATIONS, RUN], ids=lambda operation: operation.name)
def test_s94_killed_before_any_change_costs_no_pair_anything(
    lab_factory: LabFactory, versions: Versions, operation: Operation
) -> None:
    with scene(lab_factory(PLAN), versions) as here:
        cases = killing_calls(here, operation)
        assert len(cases) > SAMPLE
        wrong = each(here, cases[:: -(-len(cases) // SAMPLE)], kill)
        assert not wrong, "\n".join(wrong)


def test_s94_compiler_changes_nothing_so_that_it_may_be_killed_at_any_time(
    lab_factory: LabFactory, versions: Versions
) -> None:
    with scene(lab_factory(PLAN), versions) as here:
        assert killing_calls(here, UPGRADE, compiler=True) == []


def test_s94_folder_without_a_slot_keeps_no_command_from_the_other_pairs(
    lab_factory: LabFactory, versions: Versions
) -> None:
    """What a detach leaves that is killed between freeing the slot and removing the folder."""
    with scene(lab_factory(PLAN), versions) as here:
        here.here.attach()
        assert supervised(here.lab, _detach_and_die).status == KILL
        (only,) = here.lab.in_guest(datapath.status)
        assert (only.synthetic.name, only.path) == ("eth1", Path.VF)
        assert command(here.lab, "status", "eth0").returncode == NotAttached.exit_code
        for arguments in (("status",), ("metrics",), ("top", "--once")):
            ended = command(here.lab, *arguments)
            assert (ended.returncode, "eth1" in ended.stdout) == (0, True), ended
        here.here.attach()
        assert here.path("eth0") is Path.VF
        here.detach()
        here.assert_as_found("attached and detached again")


def _detach_and_die() -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    pins.remove_tree = die  # of this process alone
    datapath.detach("eth0")
