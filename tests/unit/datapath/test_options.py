# SPDX-License-Identifier: GPL-2.0-only
"""What "auto" means, and what may not be chosen."""

import pytest

from netvsc_bpf.datapath.options import AttachOptions, guard_mode, rx_mode
from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, RxMode


def nic(ifindex: int, *, driver: str | None = None, master: int | None = None) -> Nic:
    mac = "00:15:5d:01:02:03"
    return Nic(ifindex, f"nic{ifindex}", mac, 1500, True, True, driver=driver, master=master)


SYNTHETIC = nic(2)


@pytest.mark.parametrize(
    ("driver", "mode"),
    [("hv_netvsc", GuardMode.OFF), ("virtio_net", GuardMode.EVIDENCE), (None, GuardMode.EVIDENCE)],
)
def test_s44_guard_is_off_where_the_host_uses_both_paths(driver: str | None, mode: GuardMode) -> None:
    assert guard_mode(AttachOptions(), nic(2, driver=driver)) is mode


@pytest.mark.parametrize("mode", GuardMode)
def test_guard_that_was_chosen_is_used(mode: GuardMode) -> None:
    assert guard_mode(AttachOptions(guard=mode), nic(2, driver="hv_netvsc")) is mode


def test_enslaved_vf_is_left_to_the_kernel() -> None:
    assert rx_mode(AttachOptions(), SYNTHETIC, nic(5, master=2)) is RxMode.KERNEL


def test_s104_enslaved_vf_that_filters_vlans_is_redirected_unless_the_kernel_was_chosen() -> None:
    """The driver's rx_handler comes after the VLAN devices that let their ids in."""
    enslaved = nic(5, master=2)
    assert rx_mode(AttachOptions(), SYNTHETIC, enslaved, vlans=True) is RxMode.REDIRECT
    assert rx_mode(AttachOptions(rx=RxMode.KERNEL), SYNTHETIC, enslaved, vlans=True) is RxMode.KERNEL


@pytest.mark.parametrize("master", [None, 7])
def test_vf_without_a_master_is_redirected(master: int | None) -> None:
    assert rx_mode(AttachOptions(), SYNTHETIC, nic(5, master=master)) is RxMode.REDIRECT


def test_redirect_may_be_chosen_for_an_enslaved_vf() -> None:
    assert rx_mode(AttachOptions(rx=RxMode.REDIRECT), SYNTHETIC, nic(5, master=2)) is RxMode.REDIRECT


def test_kernel_is_refused_where_no_driver_would_deliver() -> None:
    with pytest.raises(Refused, match="no driver has enslaved it to nic2"):
        rx_mode(AttachOptions(rx=RxMode.KERNEL), SYNTHETIC, nic(5))
