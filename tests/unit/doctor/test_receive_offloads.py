# SPDX-License-Identifier: GPL-2.0-only
"""What the doctor says of receive offloads that differ."""

from dataclasses import replace

from netvsc_bpf.datapath.follow_offloads import Difference
from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.receive_offloads import check_offloads
from netvsc_bpf.model.nic import Pair
from netvsc_bpf.model.receive_offload import ReceiveOffload
from tests.unit.discovery.shapes import VIRTIO

PAIR = Pair(replace(VIRTIO, name="eth0"), replace(VIRTIO, ifindex=9, name="vf0"))
GRO_ON, LRO_OFF = {ReceiveOffload.GRO: True}, {ReceiveOffload.LRO: False}


def test_equal_nics_and_a_missing_vf_are_not_mentioned() -> None:
    assert check_offloads(PAIR, Difference({}, {}), attached=True) == []
    assert check_offloads(replace(PAIR, vf=None), Difference(GRO_ON, LRO_OFF), attached=True) == []


def test_what_attach_will_request_is_no_finding_before_it() -> None:
    assert check_offloads(PAIR, Difference(GRO_ON, {}), attached=False) == []
    (found,) = check_offloads(PAIR, Difference(GRO_ON, {}), attached=True)
    assert (found.check, found.level) == ("vf-offloads", Level.WARNING)
    assert found.what == "vf0 does not have rx-gro on, as eth0 requires"
    assert "netvsc-bpf attach eth0" in (found.remedy or "")


def test_what_cannot_be_set_is_a_warning_with_its_meaning() -> None:
    for attached in (False, True):
        (found,) = check_offloads(PAIR, Difference({}, LRO_OFF), attached=attached)
        assert found.level is Level.WARNING
        assert "vf0 cannot be given rx-lro off" in found.what
        assert "must not be forwarded" in found.what
    (found,) = check_offloads(PAIR, Difference({}, GRO_ON), attached=True)
    assert "merged otherwise than those of eth0" in found.what
