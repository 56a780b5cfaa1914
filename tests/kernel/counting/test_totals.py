# SPDX-License-Identifier: GPL-2.0-only
"""What a pair has carried is what its two paths have carried, and bytes are bytes in every direction."""

from collections.abc import Callable

import pytest

from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Path
from netvsc_bpf.model.status import PairStatus, Traffic
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.devices import NO_FABRIC, silence
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, ethernet, send
from tests.kernel.support.waiting import eventually

SIZE = 100
SIZES = (60, 61, 100, 777, 1514)
"""Bytes of whole frames: the shortest, odd ones, the longest at an MTU of 1500."""
SETTLE_MS = 20


def outgoing(size: int) -> bytes:
    return ethernet(OTHER_MAC, bytes(size - 14), source=GUEST_MAC)


def incoming(size: int) -> bytes:
    return ethernet(GUEST_MAC, bytes(size - 14))


def totals(status: PairStatus) -> tuple[Traffic, Traffic]:
    return status.tx.vf + status.tx.synthetic, status.rx.vf + status.rx.synthetic


class Books:
    """Every frame sent to or from the guest, compared with what the counters say."""

    def __init__(self, pair: Attachment) -> None:
        self._pair = pair
        self._begin = self._last = pair.status()
        self._tx = self._rx = Traffic()

    def carry(self, out: int, in_by: dict[str, int]) -> None:
        """Let the guest send some frames, and others come in by ports of the fabric; then close the books."""
        lab = self._pair.lab
        send(lab.guest, "eth0", *[outgoing(SIZE)] * out)
        for port, number in in_by.items():
            send(lab.fabric, port, *[incoming(SIZE)] * number)
            self._rx += Traffic(number, number * SIZE)
        self._tx += Traffic(out, out * SIZE)
        tx, rx = totals(self._begin)
        eventually("all arrived", lambda: totals(self._pair.status())[1].packets >= (rx + self._rx).packets)
        self.close()
        assert totals(self._last) == (tx + self._tx, rx + self._rx)

    def close(self) -> None:
        """No counter ever goes down."""
        now = self._pair.status()
        for direction in ("tx", "rx"):
            for path in ("vf", "synthetic"):
                new, old = (getattr(getattr(one, direction), path) for one in (now, self._last))
                assert new.packets >= old.packets, (direction, path)
                assert new.bytes >= old.bytes, (direction, path)
        self._last = now


@pytest.mark.parametrize("guard", [GuardMode.OFF, GuardMode.MULTICAST])
def test_s50_totals_are_the_sum_of_both_paths_across_removal_and_return(
    lab_factory: Callable[[LabPlan], Lab], guard: GuardMode
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=guard, settle_ms=SETTLE_MS) as pair:
        books = Books(pair)
        books.carry(30, {"vf0": 20, "syn0": 10})
        assert pair.path is Path.VF
        lab.vf_down()
        books.close()
        books.carry(31, {"syn0": 21})
        assert pair.path is Path.SYNTHETIC
        lab.unplug_vf()
        books.close()
        books.carry(32, {"syn0": 22})
        lab.plug_vf()
        books.close()
        books.carry(33, {"syn0": 23})
        pair.attach(guard=guard, settle_ms=SETTLE_MS)
        books.close()
        assert pair.path is Path.VF
        books.carry(34, {"vf0": 24, "syn0": 14})
        status = pair.status()
        assert (status.tx.vf.packets, status.tx.synthetic.packets) == (30 + 34, 31 + 32 + 33)
        assert (status.rx.vf.packets, status.rx.synthetic.packets) == (20 + 24, 10 + 21 + 22 + 23 + 14)


@pytest.mark.parametrize("guard", [GuardMode.OFF, GuardMode.MULTICAST])
def test_s51_bytes_are_those_of_whole_frames_in_both_directions_and_on_both_paths(
    lab_factory: Callable[[LabPlan], Lab], guard: GuardMode
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    known = Traffic(len(SIZES), sum(SIZES))
    with attached(lab, guard=guard, settle_ms=SETTLE_MS) as pair:
        before = pair.status()
        send(lab.guest, "eth0", *map(outgoing, SIZES))
        send(lab.fabric, "vf0", *map(incoming, SIZES))
        send(lab.fabric, "syn0", *map(incoming, SIZES))
        lab.vf_down()
        send(lab.guest, "eth0", *map(outgoing, SIZES))

        def arrived() -> bool:
            rx = pair.status().rx
            return (
                min(rx.vf.packets - before.rx.vf.packets, rx.synthetic.packets - before.rx.synthetic.packets)
                >= 5
            )

        eventually("all arrived", arrived)
        after = pair.status()
    assert after.tx.vf == before.tx.vf + known
    assert after.tx.synthetic == before.tx.synthetic + known
    assert after.rx.vf == before.rx.vf + known
    assert after.rx.synthetic == before.rx.synthetic + known
