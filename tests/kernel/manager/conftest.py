# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the tests of `netvsc-bpf run`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.manager import Manager, managers

Start = Callable[..., Manager]
"""start(lab, interface="eth0", *options, namespace=the guest's)"""


@pytest.fixture
def start(lab_factory: object) -> Iterator[Start]:
    """Starts managers that are ended, by pid, before the lab of the test goes."""
    with ExitStack() as stack:
        factories: dict[int, Callable[..., Manager]] = {}

        def begin(lab: Lab, *args: str, **options: Any) -> Manager:
            if id(lab) not in factories:
                factories[id(lab)] = stack.enter_context(managers(lab))
            return factories[id(lab)](*args, **options)

        yield begin
