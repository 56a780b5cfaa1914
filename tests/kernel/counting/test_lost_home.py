# SPDX-License-Identifier: GPL-2.0-only
"""`drops` counts exactly the frames that were lost on delivery to the synthetic NIC."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

import pytest

from bench.test_run import xdp_context
from netvsc_bpf.doctor.softnet import LIMIT, SOFTNET, parse_softnet
from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Liveness
from tests.kernel.programs import XDP, counting_program
from tests.kernel.support.attachment import attached
from tests.kernel.support.devices import NO_FABRIC, link, silence
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, ethernet, send
from tests.kernel.support.scraping import collecting
from tests.kernel.support.waiting import eventually

FRAMES = 200
LOOP_DETECTION = 0x9000
IN = ethernet(GUEST_MAC, bytes(86))
LIVE_FRAMES = 2  # BPF_F_TEST_XDP_LIVE_FRAMES, include/uapi/linux/bpf.h
LabFactory = Callable[[LabPlan], Lab]


def unknown() -> bytes:
    """A frame of a protocol without a listener in the guest."""
    return GUEST_MAC + OTHER_MAC + LOOP_DETECTION.to_bytes(2) + bytes(86)


def test_frames_without_a_listener_are_not_lost_on_delivery(lab_factory: LabFactory) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=GuardMode.OFF) as pair:
        before = link(lab, lab.guest, "eth0")["stats64"]["rx"]["dropped"]
        send(lab.fabric, "vf0", *[unknown()] * FRAMES)

        def dropped() -> int:
            return int(link(lab, lab.guest, "eth0")["stats64"]["rx"]["dropped"]) - before

        eventually("the stack has thrown them away", lambda: dropped() >= FRAMES)
        assert pair.status().rx.vf.packets >= FRAMES
        assert pair.status().drops.rx_home == 0
        labels = {"interface": "eth0", "direction": "rx", "reason": "home"}
        assert collecting(lab)().value("drops_total", **labels) == 0


def test_losses_of_the_synthetic_nic_itself_are_not_lost_on_delivery(
    lab_factory: LabFactory,
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=GuardMode.OFF) as pair:
        send(lab.fabric, "syn0", *[unknown()] * FRAMES)
        eventually("they arrived", lambda: pair.status().rx.synthetic.packets >= FRAMES)
        assert pair.status().drops.rx_home == 0


def test_s72_losses_in_another_namespace_with_the_same_ifindexes_do_not_count(
    lab_factory: LabFactory,
) -> None:
    labs = [lab_factory(NO_FABRIC) for _ in range(2)]
    for lab in labs:
        silence(lab)
    assert len({lab.ifindex(lab.guest, "vf0") for lab in labs}) == 1
    with attached(labs[0], guard=GuardMode.OFF) as ours, attached(labs[1], guard=GuardMode.OFF) as theirs:
        labs[1].set_link(labs[1].guest, "eth0", False)
        send(labs[1].fabric, "vf0", *[IN] * FRAMES)
        eventually("they are lost", lambda: theirs.status().drops.rx_home == FRAMES)
        assert ours.status().drops.rx_home == 0


def test_where_no_program_sees_them_nothing_is_claimed(lab: Lab) -> None:
    with attached(lab, liveness=Liveness.NETLINK) as pair:
        assert pair.status().as_json()["drops"]["rx"]["home"] is None
        found = collecting(lab)().of("drops_total")
        assert {dict(labels)["reason"] for labels in found} == {"vf", "duplicate"}


@contextmanager
def longest_backlog(frames: int) -> Iterator[None]:
    before = LIMIT.read_text()
    LIMIT.write_text(f"{frames}\n")
    try:
        yield
    finally:
        LIMIT.write_text(before)


def arrive(ifindex: int, frames: int) -> None:
    """Have frames arrive on a device in one go, before the backlog is looked at."""
    with counting_program(XDP) as passing:
        libbpf.test_run(
            passing.fd,
            IN,
            xdp_context(ifindex, len(IN)),
            repeat=frames,
            flags=LIVE_FRAMES,
            batch_size=frames,
        )


def turned_away() -> int:
    return parse_softnet(FilePath(SOFTNET).read_text(encoding="ascii")).dropped


@pytest.mark.guest
@pytest.mark.oldest
def test_frames_dropped_by_a_full_backlog_are_counted(lab_factory: LabFactory) -> None:
    if "NETVSC_BPF_GUEST_KERNEL" not in os.environ:
        pytest.skip("only inside a guest of make vm-test: the limit is one for the whole machine")
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=GuardMode.OFF) as pair, longest_backlog(10):
        before = turned_away()
        lab.in_guest(arrive, lab.ifindex(lab.guest, "vf0"), 64)
        assert pair.status().rx.vf.packets == 64
        lost = pair.status().drops.rx_home
        assert lost == turned_away() - before
        assert lost is not None and 0 < lost < 64
