# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the tests that have a machine of their own."""

import os
from collections.abc import Iterator

import pytest
from _pytest.mark import ParameterSet

from tests.vm.hotplug import HotPluggedPair
from tests.vm.hyperv.host import Host, hyperv_host
from tests.vm.hyperv.many import ManyNics, many_nics
from tests.vm.hyperv.pair import HypervPair, Shape, hyperv_pair
from tests.vm.sriov import SriovPair, sriov_pair
from vm.qmp import Qmp


@pytest.fixture(scope="session")
def in_guest() -> None:
    """Nothing of this is ever done to the machine underneath."""
    if "NETVSC_BPF_GUEST_KERNEL" not in os.environ:
        pytest.skip("only inside a guest of make vm-test")


@pytest.fixture
def sriov(in_guest: None) -> Iterator[SriovPair]:
    """A true SR-IOV pair, the VF not plugged in yet."""
    with sriov_pair() as pair:
        yield pair


@pytest.fixture(scope="session")
def host(in_guest: None) -> Iterator[Host]:
    """The Hyper-V host with hv_netvsc over it, no NIC offered yet."""
    with hyperv_host() as loaded:
        yield loaded


@pytest.fixture(params=list(Shape))
def hyperv(host: Host, request: pytest.FixtureRequest) -> Iterator[HypervPair]:
    """A pair of the true hv_netvsc, its VF not plugged in yet."""
    with hyperv_pair(host, request.param) as pair:
        yield pair


def _hv_netvsc(shape: Shape) -> ParameterSet:
    return pytest.param(f"hv_netvsc-{shape}", marks=pytest.mark.newest)


@pytest.fixture(params=[pytest.param("virtio_net", marks=pytest.mark.oldest), _hv_netvsc(Shape.ENSLAVED)])
def any_pair(request: pytest.FixtureRequest) -> Iterator[SriovPair]:
    """Each true pair in turn: virtio_net on the oldest kernel, hv_netvsc as it mostly is on the newest."""
    yield from _pair(request)


@pytest.fixture(params=["virtio_net", *map(_hv_netvsc, Shape)])
def every_pair(request: pytest.FixtureRequest) -> Iterator[SriovPair]:
    """The same, and hv_netvsc with a VF that it does not enslave: to us that is as virtio_net's, and slow."""
    yield from _pair(request)


def _pair(request: pytest.FixtureRequest) -> Iterator[SriovPair]:
    if request.param == "virtio_net":
        yield request.getfixturevalue("sriov")
        return
    shape = Shape(request.param.removeprefix("hv_netvsc-"))
    with hyperv_pair(request.getfixturevalue("host"), shape) as pair:
        yield pair


@pytest.fixture(scope="session")
def monitor(in_guest: None) -> Iterator[Qmp]:
    """The machine's own monitor. It takes its greeting once, so one serves the whole session."""
    with Qmp() as opened:
        yield opened


@pytest.fixture
def hot_plugged(sriov: SriovPair, monitor: Qmp) -> Iterator[HotPluggedPair]:
    """The pair with a NIC for VF that comes and goes by PCI hot-plug, not plugged in yet."""
    pair = HotPluggedPair(sriov.pf, sriov.pf_name, monitor=monitor)
    yield pair
    if pair.vf is not None:
        pair.unplug()


@pytest.fixture
def many(host: Host, monitor: Qmp) -> Iterator[ManyNics]:
    """Fifteen NICs of hv_netvsc, no VF plugged in yet."""
    with many_nics(host, monitor) as nics:
        yield nics
