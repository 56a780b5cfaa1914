# SPDX-License-Identifier: GPL-2.0-only
"""No frame goes round between NICs, whatever is attached to whatever."""

import random
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import permutations

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NotASyntheticNic, NotAVf, Refused, VfInUse
from netvsc_bpf.model.path import GuardMode, Path
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.devices import silence
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, Tap, ethernet, send

TWO_PAIRS = LabPlan(pairs=2, fabric=Fabric.NONE)
NICS = {"eth0": "syn0", "vf0": "vf0", "eth1": "syn1", "vf1": "vf1"}
"""Each NIC of the guest and its port of the fabric."""
SETTLE_MS = 10


@pytest.fixture
def twins(lab_factory: Callable[[LabPlan], Lab]) -> Lab:
    """A guest with four NICs that all have the same MAC."""
    lab = lab_factory(TWO_PAIRS)
    silence(lab)
    for nic in NICS:
        lab.run(lab.guest, ["ip", "link", "set", nic, "address", GUEST_MAC.hex(":")])
    return lab


def test_s46_attach_that_would_cross_another_pair_is_refused(twins: Lab) -> None:
    crossing: list[tuple[str, str, type[Refused]]] = [
        ("vf0", "eth0", NotASyntheticNic),
        ("vf0", "eth1", NotASyntheticNic),
        ("eth1", "eth0", VfInUse),
        ("eth1", "vf0", VfInUse),
        ("eth1", "eth1", NotAVf),
    ]
    with attached(twins, vf="vf0", settle_ms=SETTLE_MS) as first:
        before = first.status()
        for synthetic, vf, error in crossing:
            with pytest.raises(error):
                Attachment(twins, synthetic).attach(vf=vf, settle_ms=SETTLE_MS)
            after = first.status()
            assert (after.path, after.vf) == (Path.VF, before.vf)
            assert [pair.synthetic.name for pair in twins.in_guest(datapath.status)] == ["eth0"]


@pytest.mark.parametrize("seed", range(3))
def test_s46_a_frame_is_seen_once_whatever_is_attached_to_whatever(twins: Lab, seed: int) -> None:
    wishes = list(permutations(NICS, 2))
    random.Random(seed).shuffle(wishes)
    options = {"settle_ms": SETTLE_MS, "guard": GuardMode.OFF}
    synthetic, vf = wishes[0]
    with attached(twins, synthetic, vf=vf, **options):
        for synthetic, vf in wishes[1:]:
            with suppress(Refused):
                Attachment(twins, synthetic).attach(vf=vf, **options)
        pairs = {pair.synthetic.name: pair.vf.name for pair in twins.in_guest(datapath.status) if pair.vf}
        assert len({*pairs, *pairs.values()}) == 2 * len(pairs) > 0, "every NIC has one part to play"
        for nic in NICS:
            assert departures(twins, nic) == [NICS[pairs.get(nic, nic)]]
            homes = [synthetic for synthetic, vf in pairs.items() if vf == nic]
            assert arrivals(twins, nic) == sorted([nic, *homes])


def departures(lab: Lab, nic: str) -> list[str]:
    """The ports of the fabric that saw a frame that was sent by a NIC, once for each time."""
    mark = f"out by {nic}".encode()
    with ExitStack() as taps:
        ports = {port: taps.enter_context(Tap(lab.fabric, port)) for port in NICS.values()}
        send(lab.guest, nic, ethernet(OTHER_MAC, mark, source=GUEST_MAC))
        # The last of a row: what went round in the meantime would have been seen before it.
        send(lab.guest, nic, *[ethernet(OTHER_MAC, b"end of " + mark, source=GUEST_MAC)] * 10)
        while not any(len(tap.seen(b"end of " + mark)) >= 10 for tap in ports.values()):
            pass
        return [port for port, tap in ports.items() for f in tap.seen(mark) if b"end of" not in f.data]


def arrivals(lab: Lab, nic: str) -> list[str]:
    """The NICs of the guest that saw a frame that came to one of them; none of them may send it on."""
    mark = f"in by {nic}".encode()
    with ExitStack() as taps:
        inside = {name: taps.enter_context(Tap(lab.guest, name)) for name in NICS}
        outside = [taps.enter_context(Tap(lab.fabric, port)) for port in NICS.values()]
        send(lab.fabric, NICS[nic], ethernet(GUEST_MAC, mark))
        inside[nic].wait_for(mark)
        send(lab.fabric, NICS[nic], *[ethernet(GUEST_MAC, b"end")] * 10)
        while len(inside[nic].seen(b"end")) < 10:
            pass
        assert [frame for tap in outside for frame in tap.seen(mark) if not frame.outgoing] == []
        return sorted(name for name, tap in inside.items() for _ in tap.seen(mark))
