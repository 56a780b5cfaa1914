# SPDX-License-Identifier: GPL-2.0-only
"""The order of safety: home before the VF comes up, the permission withdrawn before anything is removed."""

from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from netvsc_bpf.datapath import join
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.model.errors import KernelError, NoBtf
from netvsc_bpf.model.path import Reason, RxMode

PARTS = ("vf_settings", "home_hook", "sync_addresses", "sync_vlans", "links", "follow_settings")
LOOKS = frozenset({"found", "vf_ifindex", "pair", "nic", "home", "link", "program"})
"""What changes nothing."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """Every call that join.py makes of others, in order."""
    recorder = MagicMock()
    for part in PARTS:
        monkeypatch.setattr(join, part, getattr(recorder, part))
    monkeypatch.setattr(join, "get_nic", MagicMock())
    recorder.loaded.found.return_value = abi.Found(vf_ifindex=20)
    recorder.loaded.vf_ifindex.return_value = 20
    recorder.session.nic.return_value = nic()
    return recorder


def changes(calls: MagicMock) -> list[str]:
    """What was changed, in order; a command of the control program by its name."""
    named = []
    for name, arguments, _ in calls.mock_calls:
        if name == "loaded.control":
            named.append(ControlCommand(arguments[0]).name)
        elif name.split(".")[-1] not in LOOKS and "__" not in name:
            named.append(name)
    return named


def nic() -> Any:
    flags = {"up": True, "promiscuity": 0, "allmulti": 0}
    return SimpleNamespace(ifindex=20, name="vf0", master=None, ipv6_disabled=True, tx_dropped=0, **flags)


def test_s95_the_permission_is_withdrawn_before_anything_is_taken_away(calls: MagicMock) -> None:
    join.leave(calls.session, calls.loaded, calls.hook, nic(), 0, Reason.DRAINED)
    done = changes(calls)
    assert done[0] == "WITHDRAW"
    assert done.index("home_hook.detach") < done.index("vf_settings.restore") < done.index("loaded.clear_vf")
    assert done[-1] == "loaded.set_found", "last of all, so that who finds us killed knows what to put back"


def test_s95_a_step_that_fails_keeps_no_later_one_from_being_tried(calls: MagicMock) -> None:
    calls.home_hook.detach.side_effect = KernelError("cannot detach", "it is a test", "none")
    with pytest.raises(KernelError):
        join.leave(calls.session, calls.loaded, calls.hook, nic(), 0, Reason.DRAINED)
    assert {"WITHDRAW", "vf_settings.restore", "loaded.clear_vf", "loaded.set_found"} <= set(changes(calls))


def joined(calls: MagicMock, vf: Any = None, *, by_manager: bool = False) -> Reason | None:
    pair: Any = SimpleNamespace(synthetic=nic(), vf=vf or nic())
    calls.vf_settings.take_mac.side_effect = lambda _rtnl, _synthetic, vf: vf
    with ExitStack() as undo:
        return join.join(
            calls.session,
            calls.loaded,
            calls.hook,
            pair,
            0,
            RxMode.REDIRECT,
            undo=undo.pop_all(),
            by_manager=by_manager,
        )


def test_s95_home_is_attached_before_the_vf_may_come_up(calls: MagicMock) -> None:
    assert joined(calls) is None
    done = changes(calls)
    assert (
        done.index("home_hook.enable") < done.index("home_hook.attach") < done.index("vf_settings.follow_up")
    )


@pytest.mark.parametrize("by_manager", [True, False])
def test_s16_only_a_command_brings_up_a_vf_that_was_taken_down_after_it_joined(
    calls: MagicMock, by_manager: bool
) -> None:
    down = nic()
    down.up = False
    calls.loaded.vf_ifindex.return_value = down.ifindex
    calls.loaded.found.return_value = abi.Found(vf_ifindex=down.ifindex, followed_mtu=1500, followed_up=True)
    assert joined(calls, down, by_manager=by_manager) is None
    assert ("vf_settings.follow_up" in changes(calls)) is not by_manager


def test_s94_vf_whose_joining_was_interrupted_is_brought_up(calls: MagicMock) -> None:
    """What was noted of the VF before it is still there: up."""
    down = nic()
    down.up = False
    calls.loaded.found.return_value = abi.Found(vf_ifindex=down.ifindex, followed_mtu=0, followed_up=True)
    assert joined(calls, down, by_manager=True) is None
    assert "vf_settings.follow_up" in changes(calls)


def test_s95_a_vf_with_another_mtu_is_withdrawn_and_gets_no_home(calls: MagicMock) -> None:
    calls.vf_settings.take_mtu.return_value = False
    assert joined(calls) is Reason.MTU_REFUSED
    done = changes(calls)
    assert done[-1] == "WITHDRAW"
    assert "home_hook.attach" not in done


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (ControlResult.BAD_LAYOUT, NoBtf),
        (ControlResult.NO_VF, KernelError),
        (ControlResult.NO_PAIR, KernelError),
    ],
)
def test_s95_a_permission_that_was_refused_is_an_error(result: ControlResult, error: type[Exception]) -> None:
    loaded = MagicMock(control=MagicMock(return_value=result))
    with pytest.raises(error):
        join.permit(loaded, 0, 10, nic())


def test_s101_vf_taken_down_is_still_recorded_after_it_refused_the_mtu(calls: MagicMock) -> None:
    calls.vf_settings.take_mtu.return_value = False
    assert joined(calls) is Reason.MTU_REFUSED
    assert not calls.following.remember_up.called
