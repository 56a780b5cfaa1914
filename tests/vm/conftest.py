# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the tests that have a machine of their own."""

import os
from collections.abc import Iterator

import pytest

from tests.vm.hotplug import HotPluggedPair
from tests.vm.sriov import SriovPair, sriov_pair
from vm.qmp import Qmp


@pytest.fixture
def sriov() -> Iterator[SriovPair]:
    """A true SR-IOV pair, the VF not plugged in yet. Never on the machine underneath."""
    if "NETVSC_BPF_GUEST_KERNEL" not in os.environ:
        pytest.skip("only inside a guest of make vm-test")
    with sriov_pair() as pair:
        yield pair


@pytest.fixture(scope="session")
def monitor() -> Iterator[Qmp]:
    """The machine's own monitor. It takes its greeting once, so one serves the whole session."""
    if "NETVSC_BPF_GUEST_KERNEL" not in os.environ:
        pytest.skip("only inside a guest of make vm-test")
    with Qmp() as opened:
        yield opened


@pytest.fixture
def hot_plugged(sriov: SriovPair, monitor: Qmp) -> Iterator[HotPluggedPair]:
    """The pair with a NIC for VF that comes and goes by PCI hot-plug, not plugged in yet."""
    pair = HotPluggedPair(sriov.pf, sriov.pf_name, monitor=monitor)
    yield pair
    if pair.vf is not None:
        pair.unplug()
