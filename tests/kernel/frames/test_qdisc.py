# SPDX-License-Identifier: GPL-2.0-only
"""A packet for the VF waits in the VF's queue and in no other."""

import json

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.support.attachment import attached
from tests.kernel.support.devices import silence
from tests.kernel.support.frames import ethernet, send

PACKETS = 500


def passed(lab: Lab, interface: str) -> int:
    shown = json.loads(
        lab.run(lab.guest, ["tc", "-s", "-j", "qdisc", "show", "dev", interface, "root"]).stdout
    )
    (root,) = (qdisc for qdisc in shown if qdisc.get("root"))
    return int(root["packets"]) + int(root["drops"])


@pytest.mark.guest
@pytest.mark.oldest
@pytest.mark.parametrize("path", list(Path))
def test_s42_one_qdisc_counts_each_packet(lab: Lab, path: Path) -> None:
    silence(lab)
    for interface in ("eth0", "vf0"):
        lab.run(lab.guest, ["tc", "qdisc", "add", "dev", interface, "root", "pfifo", "limit", "1000"])
    with attached(lab) as pair:
        if path is Path.SYNTHETIC:
            lab.vf_down()
        before = passed(lab, "eth0"), passed(lab, "vf0")
        send(lab.guest, "eth0", *[ethernet(b"\x02" * 6, bytes(86))] * PACKETS)
        after = passed(lab, "eth0"), passed(lab, "vf0")
        assert pair.path is path
    synthetic, vf = (now - then for now, then in zip(after, before, strict=True))
    assert (synthetic, vf) == ((0, PACKETS) if path is Path.VF else (PACKETS, 0))
