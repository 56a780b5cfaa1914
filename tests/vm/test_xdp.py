# SPDX-License-Identifier: GPL-2.0-only
"""Foreign XDP programs on a pair of hardware NICs: virtio-net runs them in its driver, igbvf cannot."""

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.model.errors import ForeignXdp
from netvsc_bpf.model.path import GuardMode, Path, Reason, XdpPolicy
from tests.kernel.programs import XDP, Counting, counting_program
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.devices import SYNTHETIC_MAC
from tests.vm.hyperv.pair import HypervPair, Shape
from tests.vm.sriov import SYNTHETIC, SriovPair, by_mac, nics

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]
_SKB_MODE, _DRV_MODE = 1 << 1, 1 << 2  # XDP_FLAGS_*, include/uapi/linux/if_link.h


@contextmanager
def running(program: Counting, ifindex: int, mode: int) -> Iterator[None]:
    link = libbpf.link_create(program.fd, ifindex, libbpf.XDP, mode)
    try:
        yield
    finally:
        os.close(link)


def synthetic_ifindex(mac: str = SYNTHETIC_MAC) -> int:
    nic = by_mac(mac, without="igbvf")
    assert nic is not None and nic.name == SYNTHETIC
    return nic.ifindex


def programs(mac: str = SYNTHETIC_MAC) -> set[int | None]:
    """The XDP programs of the pair."""
    return {nic.xdp_prog_id for nic in nics() if nic.mac == mac}


@pytest.mark.oldest
def test_s48_attach_that_is_refused_on_one_nic_leaves_the_programs_of_both(sriov: SriovPair) -> None:
    vf = sriov.plug()
    with (
        counting_program(XDP) as theirs,
        counting_program(XDP) as of_vf,
        running(theirs, synthetic_ifindex(), _DRV_MODE),
        running(of_vf, vf.ifindex, _SKB_MODE),
    ):
        before = programs()
        assert before == {theirs.id, of_vf.id}
        with pytest.raises(ForeignXdp):
            sriov.attach(guard=GuardMode.ALL)
        assert (programs(), datapath.status()) == (before, [])
        sriov.attach(guard=GuardMode.OFF)
        sriov.wait_for(Path.VF)
        seen = of_vf.seen
        sriov.ping(count=3, wait_s=10)
        assert of_vf.seen >= seen + 3, "what comes in by the VF"
        datapath.detach(SYNTHETIC)
        assert programs() == before


@pytest.mark.newest
@pytest.mark.parametrize("hyperv", [Shape.ENSLAVED], indirect=True)
def test_s48_program_of_hv_netvsc_stays_and_s49_its_vf_without_one_is_used_or_not_as_configured(
    hyperv: HypervPair,
) -> None:
    """The driver copies its program onto a VF that runs them natively, which igbvf does not.

    No other program can be attached: below a device with a program the kernel allows none (dev_xdp_attach()).
    """
    with counting_program(XDP) as theirs, running(theirs, synthetic_ifindex(hyperv.mac), _DRV_MODE):
        hyperv.plug()
        before = programs(hyperv.mac)
        assert before == {theirs.id, None}
        with pytest.raises(ForeignXdp):
            hyperv.attach(guard=GuardMode.ALL)
        assert (programs(hyperv.mac), datapath.status()) == (before, [])
        unused = hyperv.attach(xdp=XdpPolicy.REQUIRE)
        assert (unused.path, unused.reason) == (Path.SYNTHETIC, Reason.XDP_MISSING)
        hyperv.attach(xdp=XdpPolicy.WARN)
        hyperv.wait_for(Path.VF)
        datapath.detach(SYNTHETIC)
        assert programs(hyperv.mac) == before


@pytest.mark.oldest
def test_s49_vf_that_refuses_xdp_is_told_of_and_used_or_not_as_configured(
    sriov: SriovPair, tmp_path: FilePath
) -> None:
    config = tmp_path / "config.toml"

    def configure(policy: str) -> None:
        config.write_text(f'[manager]\ninterval_s = 1.0\n[attach]\nguard = "off"\nxdp = "{policy}"\n')

    configure("require")
    with (
        counting_program(XDP) as theirs,
        running(theirs, synthetic_ifindex(), _DRV_MODE),
        managers(sriov) as start,
    ):
        manager = start(SYNTHETIC, "--config", str(config))
        manager.wait_path(Path.SYNTHETIC)
        vf = sriov.plug()
        with pytest.raises(OSError) as refused:
            libbpf.link_create(theirs.fd, vf.ifindex, libbpf.XDP, _DRV_MODE)
        assert refused.value.errno == errno.EOPNOTSUPP
        manager.wait_event("refused", f"{vf.name} runs no XDP program")
        manager.wait_path(Path.SYNTHETIC, Reason.XDP_MISSING)
        sriov.ping(wait_s=10)
        assert theirs.seen > 0

        configure("warn")
        manager.process.send_signal(signal.SIGHUP)
        sriov.wait_for(Path.VF)
        configure("require")
        manager.process.send_signal(signal.SIGHUP)
        manager.wait_path(Path.SYNTHETIC, Reason.XDP_MISSING)

        with running(theirs, vf.ifindex, _SKB_MODE):
            sriov.wait_for(Path.VF)
            seen = theirs.seen
            sriov.ping(wait_s=10)
            eventually("it sees what comes in by the VF", lambda: theirs.seen > seen)
        assert len(manager.events_of("refused", "runs no XDP program")) <= 2, "once each time that it holds"
