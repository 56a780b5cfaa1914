# SPDX-License-Identifier: GPL-2.0-only
"""A redirect that fails looks like a success to the sender: it has to be counted.

Not for guests with Linux 6.1, which does not count what a device that is down throws away.
"""

from collections.abc import Callable

import pytest

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Liveness, Path, Reason
from tests.kernel.support.attachment import attached
from tests.kernel.support.devices import NO_FABRIC, link, received, silence
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, ethernet, send
from tests.kernel.support.waiting import eventually

FRAMES = 200
OUT = ethernet(OTHER_MAC, bytes(86), source=GUEST_MAC)
IN = ethernet(GUEST_MAC, bytes(86))


def no_carrier(lab: Lab) -> None:
    lab.vf_carrier(False)
    eventually("carrier gone", lambda: "NO-CARRIER" in link(lab, lab.guest, "vf0")["flags"])


@pytest.mark.parametrize(
    ("fail", "qdisc"),
    [(Lab.vf_down, None), (no_carrier, None), (Lab.vf_down, "pfifo")],
    ids=["down", "carrier", "queue"],
)
def test_s52_every_packet_lost_in_a_dead_vf_is_counted(
    lab_factory: Callable[[LabPlan], Lab], fail: Callable[[Lab], None], qdisc: str | None
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    if qdisc is not None:
        lab.run(lab.guest, ["tc", "qdisc", "add", "dev", "vf0", "root", qdisc])
    # On this level, and without a manager, the failure of the VF is not detected.
    with attached(lab, liveness=Liveness.NETLINK) as pair:
        assert pair.path is Path.VF
        assert pair.status().drops.tx_vf == 0
        fail(lab)
        through = received(lab, lab.fabric, "vf0")
        send(lab.guest, "eth0", *[OUT] * FRAMES)
        status = pair.status()
        assert (status.path, status.tx.vf.packets) == (Path.VF, FRAMES)
        assert received(lab, lab.fabric, "vf0") == through, "they are lost indeed"
        assert status.drops.tx_vf == FRAMES
        assert status.as_json()["drops"]["tx"]["vf"] == FRAMES


def test_s52_drops_of_a_vf_that_was_replaced_are_kept(lab_factory: Callable[[LabPlan], Lab]) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, liveness=Liveness.NETLINK, settle_ms=20) as pair:
        lab.vf_down()
        send(lab.guest, "eth0", *[OUT] * FRAMES)
        assert pair.status().drops.tx_vf == FRAMES
        # Another VF takes over while the first is still there to be asked.
        lab.run(lab.guest, ["ip", "link", "add", "vf9", "type", "veth", "peer", "name", "far9"])
        lab.run(lab.guest, ["ip", "link", "set", "vf9", "address", GUEST_MAC.hex(":")])
        pair.attach(vf="vf9", settle_ms=20)
        vf = pair.status().vf
        assert vf is not None and vf.name == "vf9"
        assert pair.status().drops.tx_vf == FRAMES


@pytest.mark.parametrize("permitted", [True, False], ids=["permitted", "not"])
def test_s52_every_packet_brought_home_to_a_synthetic_nic_that_is_down_is_counted(
    lab_factory: Callable[[LabPlan], Lab], permitted: bool
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=GuardMode.OFF) as pair:
        if not permitted:  # home redirects all the same
            pair.control(ControlCommand.WITHDRAW, abi.REASONS.index(Reason.DAMPED))
        assert pair.status().drops.rx_home == 0
        lab.set_link(lab.guest, "eth0", False)
        send(lab.fabric, "vf0", *[IN] * FRAMES)
        eventually("all arrived", lambda: pair.status().rx.vf.packets >= FRAMES)
        eventually("all are counted", lambda: pair.status().drops.rx_home >= FRAMES)
        assert pair.status().drops.rx_home == FRAMES
