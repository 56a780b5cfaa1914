# SPDX-License-Identifier: GPL-2.0-only
"""VLANs of the synthetic NIC work through the VF.

Where the kernel has no 8021q module there are no VLAN sub-interfaces; tagged frames there are nevertheless,
and a sub-interface only sends them and receives them through the synthetic NIC.
"""

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.frames import BROADCAST, GUEST_MAC, Tap, ethernet, send, tagged

VLAN = 7


def take_path(pair: Attachment, path: Path) -> None:
    if path is Path.SYNTHETIC:
        pair.lab.vf_down()
    # The switch learns where the guest is now.
    send(pair.lab.guest, "eth0", ethernet(BROADCAST, b"here I am", source=GUEST_MAC))
    assert pair.path is path


@pytest.mark.parametrize("path", list(Path))
def test_s37_tagged_frames_pass_both_ways_by_either_path(lab: Lab, path: Path) -> None:
    with attached(lab) as pair:
        take_path(pair, path)
        with Tap(lab.peer, "eth0") as peer, Tap(lab.guest, "eth0") as guest, Tap(lab.guest, "vf0") as vf:
            send(lab.guest, "eth0", tagged(BROADCAST, VLAN, b"question", source=GUEST_MAC))
            peer.wait_for(b"question")
            send(lab.peer, "eth0", tagged(GUEST_MAC, VLAN, b"answer"))
            guest.wait_for(b"answer")
            (question,) = peer.seen(b"question")
            (answer,) = guest.seen(b"answer")
            used = bool(vf.seen(b"question")), bool(vf.seen(b"answer"))
    assert (question.vlan, answer.vlan) == (VLAN, VLAN)
    assert not answer.outgoing
    assert used == (path is Path.VF, path is Path.VF)


def add_vlan(lab: Lab, namespace: str, address: str) -> None:
    add = ["ip", "link", "add", "link", "eth0", "name", "eth0.7", "type", "vlan", "id", str(VLAN)]
    result = lab.run(namespace, add, check=False)
    if result.returncode:
        pytest.skip(f"this kernel makes no VLAN sub-interfaces: {result.stderr.strip()}")
    lab.run(namespace, ["ip", "addr", "add", address, "dev", "eth0.7"])
    lab.run(namespace, ["ip", "link", "set", "eth0.7", "up"])


@pytest.mark.guest
@pytest.mark.oldest
def test_s37_vlan_sub_interface_works_through_the_vf(lab: Lab) -> None:
    add_vlan(lab, lab.guest, "10.7.0.1/24")
    add_vlan(lab, lab.peer, "10.7.0.2/24")
    with attached(lab) as pair:
        pair.wait_used()
        before = pair.status()
        lab.run(lab.guest, ["ping", "-c", "3", "-i", "0.2", "-W", "20", "10.7.0.2"])
        after = pair.status()
        assert after.tx.vf.packets >= before.tx.vf.packets + 3
        assert after.rx.vf.packets >= before.rx.vf.packets + 3
        lab.vf_down()
        lab.run(lab.guest, ["ping", "-c", "3", "-i", "0.2", "-W", "20", "10.7.0.2"])
        assert pair.path is Path.SYNTHETIC
