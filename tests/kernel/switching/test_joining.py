# SPDX-License-Identifier: GPL-2.0-only
"""When a VF is taken into use, and when not."""

from collections.abc import Callable

from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.attachment import attached
from tests.kernel.support.devices import link, transmitted
from tests.kernel.support.waiting import eventually

SETTLE_MS = 20


def test_s15_egress_moves_to_a_vf_that_is_up_and_has_carrier(lab: Lab) -> None:
    with UdpStream(udp_plan(lab, Direction.TX, rate=2000)) as stream:
        before = transmitted(lab, lab.guest, "vf0")
        with attached(lab) as pair:
            pair.wait_used()
            idle = transmitted(lab, lab.guest, "eth0")
            eventually("a stream over the VF", lambda: transmitted(lab, lab.guest, "vf0") > before + 500)
            assert transmitted(lab, lab.guest, "eth0") == idle
        assert stream.stop().lost == 0


def test_s15_egress_stays_while_the_vf_has_no_carrier(lab: Lab) -> None:
    lab.vf_carrier(False)
    eventually("carrier gone", lambda: "NO-CARRIER" in link(lab, lab.guest, "vf0")["flags"])
    with (
        attached(lab, settle_ms=SETTLE_MS) as pair,
        UdpStream(udp_plan(lab, Direction.TX, rate=1000)) as stream,
    ):
        assert pair.where == (Path.SYNTHETIC, Reason.NO_CARRIER)
        eventually("far more than the settle time", lambda: stream.received > 200)
        assert (pair.path, pair.status().tx.vf.packets) == (Path.SYNTHETIC, 0)
        assert transmitted(lab, lab.guest, "vf0") == 0
        lab.vf_carrier(True)
        pair.wait_for(Path.VF)


def test_s15_egress_stays_while_the_vf_is_down(lab: Lab) -> None:
    with (
        attached(lab, settle_ms=SETTLE_MS) as pair,
        UdpStream(udp_plan(lab, Direction.TX, rate=1000)) as stream,
    ):
        lab.vf_down()
        before, sent = pair.status().tx.vf.packets, transmitted(lab, lab.guest, "vf0")
        seen = stream.received
        eventually("far more than the settle time", lambda: stream.received > seen + 200)
        assert pair.where == (Path.SYNTHETIC, Reason.VF_DOWN)
        assert (pair.status().tx.vf.packets, transmitted(lab, lab.guest, "vf0")) == (before, sent)


def test_s25_vf_brought_up_under_a_synthetic_nic_that_is_down_stays_unused(lab: Lab) -> None:
    lab.set_link(lab.guest, "eth0", False)
    with attached(lab, settle_ms=SETTLE_MS) as pair:
        assert not pair.status().vf.up, "the VF follows its synthetic NIC"
        sent = transmitted(lab, lab.guest, "vf0")
        lab.vf_up()
        eventually("carrier", lambda: "LOWER_UP" in link(lab, lab.guest, "vf0")["flags"])
        lab.run(lab.guest, ["ping", "-c", "10", "-i", "0.02", "10.99.0.2"], check=False)
        assert pair.where == (Path.SYNTHETIC, Reason.SYNTHETIC_DOWN)
        assert transmitted(lab, lab.guest, "vf0") == sent
        # What kept it unused was nothing else:
        lab.set_link(lab.guest, "eth0", True)
        eventually("the VF is used", lambda: pair.control(ControlCommand.CHECK) is ControlResult.VF)
        assert pair.where == (Path.VF, Reason.ARMED)


def test_s25_vf_is_not_the_path_of_a_synthetic_nic_that_went_down(lab: Lab) -> None:
    with attached(lab, settle_ms=SETTLE_MS) as pair:
        pair.wait_used()
        lab.set_link(lab.guest, "eth0", False)
        sent = transmitted(lab, lab.guest, "vf0")
        lab.vf_down()
        lab.vf_up()
        assert pair.where == (Path.SYNTHETIC, Reason.SYNTHETIC_DOWN)
        assert transmitted(lab, lab.guest, "vf0") == sent


def test_s12_the_vf_has_no_ipv6_address(lab_factory: Callable[[LabPlan], Lab]) -> None:
    lab = lab_factory(LabPlan(vf=False))
    lab.plug_vf(link_local=True)

    def addresses() -> list[object]:
        return list(link(lab, lab.guest, "vf0")["addr_info"])

    eventually("the address that every interface gets", lambda: bool(addresses()))
    with attached(lab):
        assert addresses() == []
        # Each of these makes the kernel think about addresses again (addrconf_notify()).
        lab.vf_down()
        lab.vf_up()
        assert addresses() == []
        lab.vf_carrier(False)
        eventually("carrier gone", lambda: "NO-CARRIER" in link(lab, lab.guest, "vf0")["flags"])
        lab.vf_carrier(True)
        eventually("carrier back", lambda: "LOWER_UP" in link(lab, lab.guest, "vf0")["flags"])
        assert addresses() == []
