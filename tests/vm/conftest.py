# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the tests that have a machine of their own."""

import os
from collections.abc import Iterator

import pytest

from tests.vm.sriov import SriovPair, sriov_pair


@pytest.fixture
def sriov() -> Iterator[SriovPair]:
    """A true SR-IOV pair, the VF not plugged in yet. Never on the machine underneath."""
    if "NETVSC_BPF_GUEST_KERNEL" not in os.environ:
        pytest.skip("only inside a guest of make vm-test")
    with sriov_pair() as pair:
        yield pair
