# SPDX-License-Identifier: GPL-2.0-only
"""Steps that put something back: failures for good keep no other step, those that may pass do."""

import errno
from collections.abc import Callable

import pytest

from netvsc_bpf.datapath.teardown import Teardown
from netvsc_bpf.model.errors import KernelError


def failing(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise KernelError("cannot", "fails", errno=number)

    return fail


def test_all_steps_are_taken_and_the_first_failure_is_raised() -> None:
    taken: list[int] = []
    with pytest.raises(KernelError) as raised, Teardown() as down:
        down.step(taken.append, 1)
        down.step(failing(errno.EINVAL))
        down.step(failing(errno.EBUSY))
        down.step(taken.append, 2)
    assert (taken, raised.value.errno) == ([1, 2], errno.EINVAL)


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EMFILE, errno.EINTR, errno.ENOSPC])
def test_failure_that_may_pass_ends_the_steps(number: int) -> None:
    taken: list[int] = []
    with pytest.raises(KernelError) as raised, Teardown() as down:
        down.step(failing(errno.EINVAL))
        down.step(failing(number))
        down.step(taken.append, 1)
    assert (taken, raised.value.errno) == ([], number)


def test_nothing_is_raised_where_nothing_failed() -> None:
    taken: list[int] = []
    with Teardown() as down:
        down.step(taken.append, 1)
    assert taken == [1]
