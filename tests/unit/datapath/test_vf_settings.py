# SPDX-License-Identifier: GPL-2.0-only
"""In which order a VF's settings are changed and put back."""

import errno
from dataclasses import replace
from typing import Any
from unittest.mock import MagicMock

import pytest

from netvsc_bpf.datapath import follow_offloads, vf_settings
from netvsc_bpf.kernel.bpf.abi import REASONS, Found
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.receive_offload import ReceiveOffload

OWN, GIVEN = "00:15:5d:0a:0a:0a", "00:15:5d:01:02:03"


@pytest.fixture
def netlink(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    recorder = MagicMock()
    monkeypatch.setattr(vf_settings, "link_settings", recorder)
    return recorder


def vf(*, up: bool) -> Nic:
    return Nic(20, "vf0", GIVEN, 1500, up, True)


def found(*, up: bool) -> Found:
    return Found(
        vf_ifindex=20,
        vf_mtu=1400,
        vf_mac=(*bytes.fromhex(OWN.replace(":", "")), 0, 0),
        followed_mac=(*bytes.fromhex(GIVEN.replace(":", "")), 0, 0),
        vf_up=up,
    )


def test_s27_vf_that_hv_netvsc_has_just_enslaved_is_restored_to_what_the_driver_gives_it() -> None:
    """It comes down and with its own MTU; the driver opens it 100 ms later."""
    synthetic, came, now = Nic(2, "eth0", GIVEN, 1400, True, True), vf(up=False), Found()
    vf_settings.remember(now, synthetic, came, taken_over=True)
    assert (bool(now.vf_up), now.vf_mtu) == (True, 1400)
    vf_settings.remember(now, synthetic, came, taken_over=False)
    assert (bool(now.vf_up), now.vf_mtu) == (False, 1500)


@pytest.mark.parametrize("was_up", [False, True])
def test_s27_a_vf_is_down_while_its_mtu_and_mac_are_put_back_if_it_was(
    netlink: MagicMock, was_up: bool
) -> None:
    vf_settings.restore(MagicMock(), found(up=was_up), None, vf(up=not was_up))
    done = [call[0] for call in netlink.method_calls]
    settings = ["set_mtu", "set_mac"]
    assert done == ([*settings, "set_up"] if was_up else ["set_up", *settings])


def test_receive_offloads_are_restored_before_the_vf_comes_up(
    netlink: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver may restart its queues for them."""
    monkeypatch.setattr(follow_offloads, "request_offloads", netlink.request_offloads)
    record = found(up=True)
    record.vf_offloads = follow_offloads.record({ReceiveOffload.GRO: True})
    vf_settings.restore(MagicMock(), record, None, vf(up=False))
    assert [call[0] for call in netlink.method_calls][-2:] == ["request_offloads", "set_up"]
    netlink.request_offloads.assert_called_once_with(20, {ReceiveOffload.GRO: True})


@pytest.mark.parametrize("up", [False, True])
def test_s101_taking_down_is_recorded_before_and_bringing_up_after(netlink: MagicMock, up: bool) -> None:
    order: list[str] = []
    netlink.set_up.side_effect = lambda *_: order.append("set_up")
    now, why = Found(followed_up=not up), None if up else Reason.DAMPED
    follow(now, up, why, lambda: order.append("note"))
    assert order == (["set_up"] if up else ["note", "set_up"])
    assert (now.followed_up, REASONS[now.taken_down]) == (up, why)


def test_s101_a_vf_that_would_not_go_down_is_noted_as_before(netlink: MagicMock) -> None:
    netlink.set_up.side_effect = OSError(5, "no")
    now, notes = Found(followed_up=True), []
    with pytest.raises(KernelError):
        follow(now, False, Reason.DAMPED, lambda: notes.append(now.followed_up))
    assert notes == [0, 1] and (now.followed_up, now.taken_down) == (1, 0)


def follow(now: Found, up: bool, why: Reason | None, note: Any) -> None:
    vf_settings.follow_up(MagicMock(), now, vf(up=not up), up, why, note)


@pytest.mark.parametrize("up", [False, True])
def test_s27_a_vf_that_refuses_a_mac_while_up_is_taken_down_for_it(netlink: MagicMock, up: bool) -> None:
    busy = OSError(errno.EBUSY, "Device or resource busy")
    netlink.set_mac.side_effect = [busy, None]
    synthetic = replace(vf(up=True), ifindex=2, name="eth0", mac=OWN)
    if not up:
        with pytest.raises(KernelError):
            vf_settings.take_mac(MagicMock(), synthetic, vf(up=False))
        return
    taken = vf_settings.take_mac(MagicMock(), synthetic, vf(up=True))
    assert [call[0] for call in netlink.method_calls] == ["set_mac", "set_up", "set_mac"]
    assert not taken.up, "so that it is brought up again"
