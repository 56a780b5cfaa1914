# SPDX-License-Identifier: GPL-2.0-only
"""A true VF: it is plugged into PCI and taken out again, its driver has rings, a link and segmentation."""

from collections.abc import Callable

import pytest

from netvsc_bpf.kernel.net.announcement_frames import rarp
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.frames import Tap
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.sriov import GUEST, PEER, SYNTHETIC, SriovPair, ip
from tests.vm.streams import END_NS, RATE, go_on, lost, lost_by_driver, tcp, udp

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]


@pytest.mark.every
def test_s01_vf_that_is_hot_added_is_used_and_asked_for_by_nobody(every_pair: SriovPair) -> None:
    with managers(every_pair) as start:
        manager = start(SYNTHETIC)
        manager.wait_path(Path.SYNTHETIC)
        for times in (1, 2):
            vf = every_pair.plug()
            manager.wait_event("joined", vf.name, times)
            manager.wait_path(Path.VF, Reason.ARMED)
            eventually("the peer answers by the VF", lambda: every_pair.ping(check=False))
            every_pair.unplug()
            manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
            eventually("the peer answers without it", lambda: every_pair.ping(check=False))


@pytest.mark.oldest
def test_s17_lost_carrier_is_left_at_once_and_the_fabric_is_told(sriov: SriovPair) -> None:
    # On hv_netvsc this is row 102's test, and row 105's for a VF that it does not enslave.
    with managers(sriov) as start:
        manager = start(SYNTHETIC)
        sriov.plug()
        manager.wait_path(Path.VF)
        announced = rarp(bytes.fromhex(sriov.mac.replace(":", "")))
        with Tap(PEER, sriov.peer_name()) as peer:
            sriov.carrier(False)
            manager.wait_path(Path.SYNTHETIC, Reason.NO_CARRIER)
            peer.wait_for(announced)
        eventually("what is sent arrives", lambda: sriov.ping(check=False))
        sriov.carrier(True)
        manager.wait_path(Path.VF)
        sriov.ping(wait_s=10)


@pytest.mark.parametrize(
    ("fail", "mend", "queued"),
    [
        (lambda pair: pair.up(False), lambda pair: pair.up(True), 0),
        (lambda pair: pair.unplug(), None, 1),
    ],
    ids=["s16-down", "s18-unplugged"],
)
def test_s19_redirection_stops_before_the_vf_closes(
    any_pair: SriovPair,
    fail: Callable[[SriovPair], None],
    mend: Callable[[SriovPair], None] | None,
    queued: int,
) -> None:
    any_pair.plug()
    any_pair.use()
    by_driver = any_pair.lost_by_driver()
    with udp() as stream:
        go_on(stream)
        before = any_pair.status()
        fail(any_pair)
        go_on(stream)
        after, left_at = any_pair.status(), any_pair.left_at()
        assert (before.path, after.path) == (Path.VF, Path.SYNTHETIC)
        assert after.path_changes == before.path_changes + 1
        if mend is not None:
            mend(any_pair)
            eventually("the VF is used again", lambda: any_pair.status().path is Path.VF)
            go_on(stream)
        result = stream.stop()
    assert result.sent > RATE
    away = (left_at, any_pair.taken_at() if mend is not None else END_NS)
    assert lost(result, left_at, queued=queued) <= lost_by_driver(any_pair, result, by_driver, away)


def test_s18_tcp_stream_survives_the_removal_and_s39_the_vf_gets_large_frames(any_pair: SriovPair) -> None:
    vf = any_pair.plug()
    assert vf.gso_max_size >= 65_536
    any_pair.use()
    with tcp() as stream:
        with Tap(GUEST, vf.name, snap=64) as tap:
            eventually(
                "unsegmented frames on the VF",
                lambda: any(frame.outgoing and frame.length > 30_000 for frame in tap.seen()),
            )
        any_pair.unplug()
        assert any_pair.status().path is Path.SYNTHETIC
        goal = stream.received + 200_000
        eventually("the stream goes on", lambda: stream.received >= goal)
        result = stream.stop()
    assert result.intact


@pytest.mark.every
def test_s71_vf_that_flaps_is_left_and_used_again_with_no_process_alive_and_s27_kept_by_the_next_manager(
    any_pair: SriovPair,
) -> None:
    with managers(any_pair) as start:
        first = start(SYNTHETIC, "--settle", "50")
        any_pair.plug()
        first.wait_path(Path.VF)
        first.kill()
        changes = any_pair.status().path_changes
        for fail, mend, answered in (
            (lambda: any_pair.up(False), lambda: any_pair.up(True), True),
            (
                lambda: any_pair.carrier(False),
                lambda: any_pair.carrier(True),
                any_pair.ingress_follows_carrier,
            ),
        ):
            fail()
            any_pair.wait_for(Path.SYNTHETIC)
            assert not answered or any_pair.ping(wait_s=10)
            mend()
            any_pair.wait_for(Path.VF)
            any_pair.ping(wait_s=10)
            changes += 2
            assert any_pair.status().path_changes == changes

        with udp() as stream:
            go_on(stream)
            second = start(SYNTHETIC, "--settle", "50")
            ip("link", "set", SYNTHETIC, "promisc", "on")
            second.wait_event("followed", "promisc")  # so it has looked
            go_on(stream)
            result = stream.stop()
        assert (second.where, second.status.path_changes) == ((Path.VF, Reason.ARMED), changes)
        assert (
            not second.events_of("attached")
            and not second.events_of("joined")
            and not second.events_of("permitted")
        )
        ip("link", "set", SYNTHETIC, "promisc", "off")
    assert lost(result) <= 0
