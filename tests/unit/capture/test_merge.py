# SPDX-License-Identifier: GPL-2.0-only
"""What several taps saw is each frame once, in order, on the wire that it came by."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.capture.frame import Interface, Sighting
from netvsc_bpf.capture.merge import Merge
from netvsc_bpf.model.path import Path

ETH0 = Interface(2, "eth0", Path.SYNTHETIC)
VF = Interface(5, "vf0", Path.VF)
SECOND = 1_000_000_000


def seen(at: int, interface: Interface, *, outgoing: bool = False, data: bytes = b"frame") -> Sighting:
    return Sighting(at, interface, outgoing, data, len(data))


def merged(*sightings: Sighting) -> list[Sighting]:
    merge = Merge()
    merge.add(sightings)
    return merge.rest()


def test_s47_what_the_vf_received_is_one_frame_of_the_vf() -> None:
    assert merged(seen(1, ETH0), seen(1, VF)) == [seen(1, VF)]


def test_s47_what_the_synthetic_nic_received_itself_stays_its_own() -> None:
    assert merged(seen(1, VF), seen(2, ETH0)) == [seen(2, ETH0)], "another frame: another nanosecond"


def test_s47_what_home_dropped_is_not_shown() -> None:
    assert merged(seen(1, VF)) == []


def test_s47_what_is_sent_is_shown_where_it_was_sent() -> None:
    out = [seen(1, VF, outgoing=True), seen(2, ETH0, outgoing=True)]
    assert merged(*reversed(out)) == out


def test_s45_duplicates_that_are_delivered_twice_are_shown_twice() -> None:
    assert merged(seen(1, VF), seen(1, ETH0), seen(5, ETH0)) == [seen(1, VF), seen(5, ETH0)]


def test_frames_wait_until_their_time_has_come() -> None:
    merge = Merge()
    merge.add([seen(30, ETH0), seen(10, ETH0)])
    assert [one.at for one in merge.until(20)] == [10]
    merge.add([seen(20, VF, outgoing=True)])
    assert [one.at for one in merge.rest()] == [20, 30]


def test_second_sight_may_come_late() -> None:
    merge = Merge()
    merge.add([seen(10, VF)])
    assert merge.until(SECOND) == []
    merge.add([seen(10, ETH0)])
    assert merge.rest() == [seen(10, VF)]


def test_what_was_seen_before_all_taps_were_there_is_left_out() -> None:
    merge = Merge(since=20)
    merge.add([seen(10, ETH0), seen(19, VF, outgoing=True), seen(20, ETH0)])
    assert [one.at for one in merge.rest()] == [20]


def test_memory_of_what_the_vf_received_is_not_for_ever() -> None:
    merge = Merge()
    merge.add([seen(number * SECOND, VF) for number in range(100)])
    assert merge.rest() == []
    assert len(merge._by_vf) == len(merge._ages) < 5


FRAMES = st.lists(st.tuples(st.sampled_from(["vf-in", "syn-in", "vf-out", "syn-out"])), max_size=30)


@given(FRAMES, st.randoms())
def test_s47_each_frame_once_and_on_its_path_in_any_order_of_the_taps(frames, random) -> None:  # type: ignore[no-untyped-def]
    expected, sightings = [], []
    for number, (kind,) in enumerate(frames):
        path, way = kind.split("-")
        one = seen(number, VF if path == "vf" else ETH0, outgoing=way == "out", data=b"%d" % number)
        expected.append(one)
        sightings.append(one)
        if kind == "vf-in":
            sightings.append(replace(one, interface=ETH0))
    random.shuffle(sightings)
    assert merged(*sightings) == expected
