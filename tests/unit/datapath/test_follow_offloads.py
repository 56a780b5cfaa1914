# SPDX-License-Identifier: GPL-2.0-only
"""How receive offloads are recorded and given, with interfaces that the test makes up."""

import errno
from collections.abc import Mapping
from dataclasses import replace
from unittest.mock import MagicMock

import pytest

from netvsc_bpf.datapath import follow_offloads
from netvsc_bpf.datapath.sync_vlans import Half
from netvsc_bpf.kernel.bpf.abi import Found
from netvsc_bpf.model.receive_offload import FeatureState, ReceiveOffload

GRO, LRO = ReceiveOffload.GRO, ReceiveOffload.LRO
ON, OFF = FeatureState(True, True, True), FeatureState(True, False, False)
FIXED_ON = FeatureState(available=False, requested=False, active=True)
SYNTHETIC, VF = Half(2, "eth0"), Half(3, "vf0")


class Devices:
    """Features of interfaces, by ifindex; what `refuses` lists is requested in vain."""

    def __init__(self) -> None:
        self.states = {half.ifindex: dict.fromkeys(ReceiveOffload, OFF) for half in (SYNTHETIC, VF)}
        self.refuses: set[ReceiveOffload] = set()
        self.error: OSError | None = None
        self.before_requests: list[int] = []
        self.found = Found(vf_ifindex=VF.ifindex)
        self.noted = 0
        self.forwards = True
        self.off_by_guard: frozenset[str] = frozenset()

    def receive_offloads(self, ifindex: int) -> dict[ReceiveOffload, FeatureState]:
        return dict(self.states[ifindex])

    def request_offloads(self, ifindex: int, wanted: Mapping[ReceiveOffload, bool]) -> None:
        self.before_requests.append(self.noted)
        if self.error is not None:
            raise self.error
        for one, on in wanted.items():
            before = self.states[ifindex][one]
            active = before.active if one in self.refuses else on
            self.states[ifindex][one] = replace(before, requested=on, active=active)

    def note(self) -> None:
        self.noted = self.found.vf_offloads

    def follow(self) -> str | None:
        return follow_offloads.follow_if_possible(MagicMock(), self.found, SYNTHETIC, VF, self.note)


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Devices:
    made = Devices()
    monkeypatch.setattr(follow_offloads, "OffloadReader", lambda: made.receive_offloads)
    monkeypatch.setattr(follow_offloads, "request_offloads", made.request_offloads)
    monkeypatch.setattr(follow_offloads, "forwards", lambda *_: made.forwards)
    monkeypatch.setattr(follow_offloads.offload_notes, "read", lambda *_: made.off_by_guard)
    return made


def test_record_holds_what_was_changed_and_what_it_was() -> None:
    for values in ({}, {GRO: True}, {GRO: False, LRO: True}, dict.fromkeys(ReceiveOffload, True)):
        assert follow_offloads.originals(follow_offloads.record(values)) == values
    assert follow_offloads.record({GRO: True, LRO: False}) == 0b1 << 16 | 0b1001


def test_original_is_recorded_before_anything_is_requested(devices: Devices) -> None:
    """A process that is killed in between leaves nothing changed that would not be restored."""
    devices.states[2][GRO] = ON
    assert devices.follow() is None
    assert devices.states[3][GRO] == ON
    assert devices.before_requests == [follow_offloads.record({GRO: False})]
    assert devices.noted == devices.found.vf_offloads == follow_offloads.record({GRO: False})


def test_record_ends_when_the_original_is_back(devices: Devices) -> None:
    devices.states[2][GRO] = ON
    devices.follow()
    devices.states[2][GRO] = OFF
    assert devices.follow() is None
    assert (devices.states[3][GRO], devices.noted) == (OFF, 0)


def test_restored_are_the_originals_alone(devices: Devices) -> None:
    devices.states[2][GRO] = devices.states[3][ReceiveOffload.UDP_GRO] = ON
    devices.states[2][ReceiveOffload.UDP_GRO] = ON
    devices.follow()
    follow_offloads.restore(devices.found, VF)
    assert devices.states[3][GRO] == OFF
    assert devices.states[3][ReceiveOffload.UDP_GRO] == ON


def test_nothing_is_restored_where_nothing_was_changed(devices: Devices) -> None:
    devices.follow()
    follow_offloads.restore(devices.found, VF)
    assert not devices.before_requests


def test_feature_that_is_not_granted_is_a_warning(devices: Devices) -> None:
    devices.refuses = {GRO}
    devices.states[2][GRO] = ON
    warning = devices.follow()
    assert warning is not None
    assert "vf0 cannot be given rx-gro on, as eth0 requires" in warning
    assert devices.follow() == warning
    assert len(devices.before_requests) == 1, "and it is not requested again"


def test_lro_that_cannot_be_switched_off_is_a_warning_of_forwarding(devices: Devices) -> None:
    devices.states[3][LRO] = FIXED_ON
    warning = devices.follow()
    assert warning is not None
    assert "cannot be given rx-lro off" in warning
    assert "must not be forwarded" in warning


@pytest.mark.parametrize("by_guard", [False, True])
def test_lro_is_followed_unless_guard_in_generic_mode_has_switched_it_off(
    devices: Devices, by_guard: bool
) -> None:
    devices.states[2][GRO] = devices.states[3][GRO] = devices.states[3][LRO] = ON
    devices.forwards = False
    devices.off_by_guard = frozenset({"rx-lro"} if by_guard else ())
    assert devices.follow() is None
    assert devices.states[3][LRO] == (ON if by_guard else OFF)


def test_error_of_a_driver_is_a_warning_and_the_original_stays_recorded(devices: Devices) -> None:
    devices.states[2][GRO] = ON
    devices.error = OSError(errno.EBUSY, "Device or resource busy")
    warning = devices.follow()
    assert warning is not None
    assert warning.startswith("cannot set the receive offloads of vf0: Device or resource busy")
    assert devices.noted == follow_offloads.record({GRO: False})


def test_missing_privilege_is_a_warning(devices: Devices) -> None:
    devices.states[2][GRO] = ON
    devices.error = PermissionError(errno.EPERM, "Operation not permitted")
    assert "does not permit it" in (devices.follow() or "")


def test_vf_that_vanishes_is_not_warned_of(devices: Devices) -> None:
    devices.states[2][GRO] = ON
    devices.error = OSError(errno.ENODEV, "No such device")
    assert devices.follow() is None
