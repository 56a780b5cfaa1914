# SPDX-License-Identifier: GPL-2.0-only
"""What drain and undrain do to the VF, where no manager does it, and what they leave alone."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from netvsc_bpf.datapath import drain_pair
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.model.drain import Drain
from netvsc_bpf.model.path import Reason

MAC = "00:15:5d:01:02:03"
DRAINED = abi.REASONS.index(Reason.DRAINED)


class Scene:
    """One pair with fakes for all that changes something; `done` has the steps in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[Any] = []
        self.drain: Drain | None = None
        self.synthetic: Any = SimpleNamespace(ifindex=2, name="eth0", up=True, mac=MAC, mtu=1500)
        self.vf: Any = SimpleNamespace(ifindex=20, name="vf0", up=True, mac=MAC, mtu=1500)
        self.state = abi.PairState(home_ifindex=20, settle_ns=70_000_000)
        self.found = abi.Found(vf_ifindex=20)
        monkeypatch.setattr(drain_pair.drains, "state_of", lambda *_: self.drain)
        monkeypatch.setattr(drain_pair.vf_settings, "follow_up", self._follow_up)
        monkeypatch.setattr(drain_pair, "permit", lambda _l, _s, ms, vf: self.done.append(("permit", ms)))

    def _follow_up(self, _rtnl: object, found: abi.Found, vf: Any, up: bool, why: Any, _note: object) -> None:
        self.done.append(("up" if up else "down", why))

    @property
    def target(self) -> Any:
        loaded, session = MagicMock(), MagicMock()
        loaded.pair.return_value, loaded.found.return_value = self.state, self.found
        session.nic.return_value = self.vf
        session.tools.warnings = []
        return drain_pair._Target(session, loaded, self.synthetic, 7)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_s98_end_of_a_drain_is_stored_in_the_kernel() -> None:
    assert drain_pair.until(5, None) == abi.DRAINED_INDEFINITELY
    assert drain_pair.until(5, 1.5) == 1_500_000_005


def test_s98_vf_of_a_drained_pair_is_taken_down(scene: Scene) -> None:
    scene.drain = Drain(1)
    drain_pair._take_down(scene.target)
    assert scene.done == [("down", Reason.DRAINED)]


@pytest.mark.parametrize("without", ["drain", "vf", "vf up", "synthetic up"])
def test_s98_it_stays_as_it_is_where_there_is_nothing_to_take_down(scene: Scene, without: str) -> None:
    scene.drain = None if without == "drain" else Drain(1)
    scene.vf.up, scene.synthetic.up = without != "vf up", without != "synthetic up"
    scene.vf = None if without == "vf" else scene.vf
    drain_pair._take_down(scene.target)
    assert scene.done == []


def test_s98_vf_comes_up_before_it_is_permitted_and_settles_for_as_long_as_was_chosen(scene: Scene) -> None:
    scene.vf.up, scene.found.taken_down = False, DRAINED
    drain_pair._use_again(scene.target)
    assert scene.done == [("up", None), ("permit", 70)]


def test_s98_vf_taken_down_externally_is_not_brought_up(scene: Scene) -> None:
    scene.vf.up = False
    drain_pair._use_again(scene.target)
    assert scene.done == [("permit", 70)]


def test_s98_pair_that_was_drained_again_meanwhile_is_left_alone(scene: Scene) -> None:
    scene.state.drained_until = abi.DRAINED_INDEFINITELY
    drain_pair._use_again(scene.target)
    assert scene.done == []


@pytest.mark.parametrize("unfit", ["mtu", "mac", "home", "denied"])
def test_s98_vf_that_is_out_of_step_is_not_permitted_and_that_is_said(scene: Scene, unfit: str) -> None:
    match unfit:
        case "mtu":
            scene.vf.mtu = 1400
        case "mac":
            scene.vf.mac = "00:15:5d:00:00:00"
        case "home":
            scene.state.home_ifindex = 0
        case "denied":
            scene.found.denied = abi.REASONS.index(Reason.MTU_REFUSED)
    target = scene.target
    drain_pair._use_again(target)
    assert scene.done == []
    assert target.session.tools.warnings == ["vf0 is not in sync with eth0; run `netvsc-bpf attach eth0`"]
