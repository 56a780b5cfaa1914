# SPDX-License-Identifier: GPL-2.0-only
"""Namespaces to move NICs into."""

from collections.abc import Callable, Iterator

import pytest

from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.pod import Pod, pods

MakePod = Callable[[], Pod]


@pytest.fixture
def make_pod(lab: Lab) -> Iterator[MakePod]:
    """Pods that outlive the managers of a test which asks for `start` after this."""
    with pods(lab) as make:
        yield make


@pytest.fixture
def pod(make_pod: MakePod) -> Pod:
    return make_pod()
