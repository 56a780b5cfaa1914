# SPDX-License-Identifier: GPL-2.0-only
"""Jumbo frames under guard on true drivers: virtio_net and igbvf, and hv_netvsc."""

import errno
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path as FilePath

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.model.errors import XdpRefused
from netvsc_bpf.model.path import GuardMode, Path, XdpMode
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.guest_kernel import is_at_least
from tests.vm.hyperv.pair import HypervPair, Shape
from tests.vm.sriov import PEER_ADDRESS, SYNTHETIC, SriovPair, ip
from tests.vm.streams import go_on, udp, udp_back

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]
JUMBO, USUAL = 9000, 1500
HEADERS = 28
"""IPv4 and ICMP."""
_DRV_MODE = 1 << 2  # XDP_FLAGS_DRV_MODE, include/uapi/linux/if_link.h


def has_fragments() -> bool:
    """Whether this kernel's virtio_net passes frames of several buffers to XDP (since Linux 6.3)."""
    return is_at_least(6, 3)


def set_mtu(pair: SriovPair, mtu: int) -> None:
    """Set it on the guest's NIC and at the peer; the VF follows the guest's NIC."""
    ip("link", "set", SYNTHETIC, "mtu", str(mtu))
    pair.on_peer("ip", "link", "set", pair.peer_name(), "mtu", str(mtu))


def answered(mtu: int) -> bool:
    """Whether the peer's answers arrive that fill the MTU, without fragments of IP."""
    size = ["-M", "do", "-s", str(mtu - HEADERS)]
    argv = ["ping", "-n", *size, "-c", "3", "-i", "0.2", "-W", "5", PEER_ADDRESS]
    return " 3 received" in subprocess.run(argv, check=False, text=True, capture_output=True).stdout


@pytest.fixture
def wide(sriov: SriovPair) -> Iterator[SriovPair]:
    """The pair, with a physical function that lets its VF have jumbo frames; as before at the end."""
    ip("link", "set", sriov.pf_name, "mtu", str(JUMBO))
    try:
        yield sriov
    finally:
        datapath.detach_all()
        set_mtu(sriov, USUAL)
        ip("link", "set", sriov.pf_name, "mtu", str(USUAL))


def test_s77_mtu_raised_and_lowered_under_the_guard_on_both_paths(wide: SriovPair) -> None:
    wide.plug()
    wide.attach()
    for mtu in (JUMBO, USUAL, JUMBO):
        set_mtu(wide, mtu)
        if not has_fragments():
            wide.attach()  # as a manager does
        generic = not has_fragments() and mtu > USUAL
        if generic or has_fragments():  # once in generic mode it stays there
            assert wide.status().guard_xdp is (XdpMode.GENERIC if generic else XdpMode.NATIVE)
        wide.use()
        eventually(f"MTU {mtu} passes by the VF", partial(answered, mtu))
        wide.up(False)
        wide.wait_for(Path.SYNTHETIC)
        eventually(f"MTU {mtu} passes by the synthetic path", partial(answered, mtu))
        wide.up(True)


@pytest.mark.newest
def test_s77_mtu_raised_and_lowered_under_traffic_on_both_paths(wide: SriovPair) -> None:
    vf = wide.plug()
    with managers(wide) as start:
        manager = start(SYNTHETIC)
        manager.wait_path(Path.VF)
        for path in (Path.VF, Path.SYNTHETIC):
            wide.up(path is Path.VF)
            manager.wait_path(path)
            with udp() as outwards, udp_back() as inwards:
                for mtu in (JUMBO, USUAL):
                    go_on(outwards, inwards)
                    set_mtu(wide, mtu)
                    eventually("the VF follows", lambda mtu=mtu: mtu_of(vf.name) == mtu)
                    eventually(f"MTU {mtu} passes", partial(answered, mtu))
                    manager.wait_path(path)
                    go_on(outwards, inwards)
                results = outwards.stop(), inwards.stop()
            if path is Path.SYNTHETIC and has_fragments():  # else guard moves, and igbvf resets itself
                assert [result.lost - result.receiver_drops for result in results] == [0, 0]


def mtu_of(interface: str) -> int:
    return int(FilePath("/sys/class/net", interface, "mtu").read_text())


@pytest.mark.oldest
def test_s77_guard_attached_under_jumbo(wide: SriovPair) -> None:
    set_mtu(wide, JUMBO)
    attached = wide.attach(guard=GuardMode.ALL)
    assert attached.guard_xdp is (XdpMode.NATIVE if has_fragments() else XdpMode.GENERIC)
    eventually("jumbo frames pass", lambda: answered(JUMBO))
    before = wide.status().rx.synthetic.bytes
    assert answered(JUMBO)
    assert wide.status().rx.synthetic.bytes - before >= 3 * JUMBO


@pytest.mark.newest
@pytest.mark.parametrize("hyperv", [Shape.ENSLAVED], indirect=True)
def test_s77_guard_that_hv_netvsc_refuses_is_not_attached_in_generic_mode(
    hyperv: HypervPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a large MTU or with LRO, neither of which the simulated host offers.

    In generic mode guard would take what the driver receives by the VF for copies.
    """
    assert hyperv.attach(guard=GuardMode.MULTICAST).guard_xdp is XdpMode.NATIVE
    datapath.detach(SYNTHETIC)
    tried, create = [], libbpf.link_create

    def refusing(program: int, ifindex: int, attach_type: int, flags: int = 0) -> int:
        if attach_type != libbpf.XDP:
            return create(program, ifindex, attach_type, flags)
        tried.append(flags)
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(libbpf, "link_create", refusing)
    with pytest.raises(XdpRefused, match="--guard off"):
        hyperv.attach(guard=GuardMode.MULTICAST)
    assert (tried, datapath.status()) == ([_DRV_MODE], [])
