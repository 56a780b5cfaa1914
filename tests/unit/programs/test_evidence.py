# SPDX-License-Identifier: GPL-2.0-only
"""Which frames guard and home take for copies: the rules of ebpf/evidence.h."""

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

import pytest

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult, NicFact
from netvsc_bpf.model.path import GuardMode, Liveness, Reason
from tests.unit.programs.host import (
    IFINDEX,
    NETDEV_PRECHANGEUPPER,
    NOW,
    OTHER,
    OWN_MAC,
    SYNTHETIC,
    VF,
    Event,
    Host,
)

EVIDENCE = abi.GUARD_MODES.index(GuardMode.EVIDENCE)
PEER, INNER = bytes.fromhex("020000000099"), bytes.fromhex("020000000011")
GROUP = bytes.fromhex("01005e010203")
MS = 1_000_000
ARMED, SETTLING = 1, 0
SHOT = 2

Host_ = Callable[..., Host]


@pytest.fixture
def pair() -> Host_:
    def make(armed: int = ARMED, **values: int) -> Host:
        host = Host(Liveness.FENTRY)
        host.set_pair(armed=armed, guard=EVIDENCE, permitted=armed, **values)
        return host

    return make


def frame(target: bytes, number: int = 1, *, source: bytes = PEER, size: int = 128) -> bytes:
    """An IPv4 frame whose number is in its payload, behind the header."""
    head = target + source + struct.pack("!H", 0x0800)
    return (head + bytes(28) + struct.pack("!Q", number)).ljust(size, b"\0")


def delivered(host: Host, path: int, data: bytes | bytearray) -> bool:
    """Have a frame arrive by a NIC; say whether the stack gets it."""
    return not host.guard_drops(data) if path == SYNTHETIC else host.home_answers(data) != SHOT


def later(host: Host, ms: float) -> None:
    host.now(NOW + int(ms * MS))


def paths_of(armed: int) -> tuple[int, int]:
    """The active and the inactive one."""
    return (VF, SYNTHETIC) if armed else (SYNTHETIC, VF)


STATES = pytest.mark.parametrize("armed", [ARMED, SETTLING], ids=["vf", "synthetic"])


@STATES
@pytest.mark.parametrize("target", [GROUP, OWN_MAC, INNER], ids=["group", "own", "inner"])
@pytest.mark.parametrize("first", [0, 1], ids=["active-first", "inactive-first"])
def test_s80_frame_that_arrives_by_both_is_delivered_once(
    pair: Host_, armed: int, target: bytes, first: int
) -> None:
    host, paths = pair(armed), paths_of(armed)
    order = (paths[first], paths[1 - first])
    for number in range(20):
        got = [delivered(host, path, frame(target, number)) for path in order]
        assert got.count(True) == 1, number


def test_s82_with_more_frames_in_flight_than_entries_none_is_taken_for_another(pair: Host_) -> None:
    host, size = pair(ARMED), 4 * abi.EVIDENCE_FRAMES
    assert all(delivered(host, VF, frame(GROUP, number)) for number in range(size))
    assert all(delivered(host, SYNTHETIC, frame(GROUP, size + number)) for number in range(size))


@pytest.mark.parametrize(("size", "most_twice"), [(40, 0), (64, 16)])
def test_s83_of_frames_in_bursts_hardly_any_arrives_twice_and_none_is_lost(
    pair: Host_, size: int, most_twice: int
) -> None:
    """One NIC delivers all of them before the other one its copies; they share the entries of a pair."""
    host, often = pair(ARMED), Counter[int]()
    for burst in range(200):
        later(host, 10 * burst)
        frames = [frame(GROUP, burst * size + number) for number in range(size)]
        copies = [[delivered(host, path, one) for one in frames] for path in (VF, SYNTHETIC)]
        often.update(map(sum, zip(*copies, strict=True)))
    assert often[0] == 0 and often[2] <= most_twice and often[1] > 0


@STATES
@pytest.mark.parametrize("target", [GROUP, OWN_MAC, INNER], ids=["group", "own", "inner"])
def test_s82_frame_that_arrives_by_the_inactive_path_alone_is_delivered(
    pair: Host_, armed: int, target: bytes
) -> None:
    host, (_, inactive) = pair(armed), paths_of(armed)
    assert all(delivered(host, inactive, frame(target, number)) for number in range(20))


@STATES
def test_s82_a_group_that_the_active_path_never_delivers_is_delivered_by_the_other(
    pair: Host_, armed: int
) -> None:
    host, (active, inactive) = pair(armed), paths_of(armed)
    another = bytes.fromhex("01005e090909")
    for number in range(20):
        assert delivered(host, active, frame(GROUP, number))
        assert delivered(host, active, frame(OWN_MAC, number))
        assert delivered(host, inactive, frame(another, number))


@STATES
@pytest.mark.parametrize("target", [OWN_MAC, INNER], ids=["own", "inner"])
def test_s80_unicast_is_dropped_where_the_active_path_delivers_to_that_station(
    pair: Host_, armed: int, target: bytes
) -> None:
    host, (active, inactive) = pair(armed), paths_of(armed)
    delivered(host, active, frame(target, 1))
    assert not delivered(host, inactive, frame(target, 2))
    other = INNER if target == OWN_MAC else OWN_MAC
    assert delivered(host, inactive, frame(other, 3)), "that proves nothing for other stations"


@STATES
@pytest.mark.parametrize("target", [OWN_MAC, INNER], ids=["own", "inner"])
def test_s80_evidence_is_void_once_the_active_path_has_been_silent(
    pair: Host_, armed: int, target: bytes
) -> None:
    """The fabric may have moved the MAC by itself: it costs 100 ms of frames, not all of them."""
    host, (active, inactive) = pair(armed), paths_of(armed)
    for number in range(3):
        delivered(host, active, frame(target, number))
    lost = 0
    for ms in range(0, 1000, 10):
        later(host, ms)
        lost += not delivered(host, inactive, frame(target, 100 + ms))
    assert lost * 10 <= 210, "at most two periods: the first look finds what was delivered before"
    assert not lost * 10 < 90


@STATES
def test_s80_evidence_lasts_while_the_active_path_delivers(pair: Host_, armed: int) -> None:
    host, (active, inactive) = pair(armed), paths_of(armed)
    for ms in range(0, 2000, 50):
        later(host, ms)
        delivered(host, active, frame(OWN_MAC, ms))
        assert not delivered(host, inactive, frame(OWN_MAC, ms))


@pytest.mark.parametrize("target", [OWN_MAC, INNER], ids=["own", "inner"])
def test_s80_evidence_of_before_a_change_of_path_is_none(pair: Host_, target: bytes) -> None:
    host = pair(ARMED)
    assert delivered(host, VF, frame(target, 1))
    host.happen(Event.CARRIER_OFF)
    assert not host.pair.armed
    assert delivered(host, VF, frame(target, 2)), "the synthetic NIC has delivered nothing yet"
    assert delivered(host, SYNTHETIC, frame(target, 3))
    assert not delivered(host, VF, frame(target, 4))


@pytest.mark.parametrize("many", [1, 8, 100])
def test_s82_identical_frames_after_a_change_of_path_are_all_delivered(pair: Host_, many: int) -> None:
    host = pair(ARMED)
    assert all(delivered(host, VF, frame(GROUP)) for _ in range(many))
    host.happen(Event.CARRIER_OFF)
    assert all(delivered(host, SYNTHETIC, frame(GROUP)) for _ in range(many))


def test_s82_identical_frames_that_the_fabric_moves_to_the_other_nic_are_lost_by_the_few(pair: Host_) -> None:
    host = pair(ARMED)
    assert all(delivered(host, VF, frame(GROUP)) for _ in range(100))
    assert [delivered(host, SYNTHETIC, frame(GROUP)) for _ in range(100)].count(False) <= 8
    later(host, 200)
    assert delivered(host, SYNTHETIC, frame(GROUP)), "and none of those that come later"


def test_s80_identical_frames_in_any_order_are_delivered_as_often_as_they_were_sent(pair: Host_) -> None:
    for order in product((VF, SYNTHETIC), repeat=8):
        if order.count(VF) == 4:
            host = pair(ARMED)
            assert [delivered(host, path, frame(GROUP)) for path in order].count(True) == 4, order


def test_s80_a_copy_that_comes_too_late_is_delivered(pair: Host_) -> None:
    host = pair(ARMED)
    assert delivered(host, VF, frame(GROUP))
    later(host, 200)
    assert delivered(host, SYNTHETIC, frame(GROUP))


@pytest.mark.parametrize("size", [42, 46, 54, 60, 61, 62, 80, 90, 120])
def test_s80_a_copy_may_have_been_padded(pair: Host_, size: int) -> None:
    host = pair(ARMED)
    data = frame(GROUP, size=size)[:size]
    assert delivered(host, VF, data)
    assert not delivered(host, SYNTHETIC, data.ljust(60, b"\0"))


@pytest.mark.parametrize(
    ("version", "protocol", "at"), [(4, 17, 26), (4, 6, 36), (6, 17, 46), (6, 6, 56)], ids=str
)
@pytest.mark.parametrize("generic", [False, True])
def test_s80_a_checksum_that_is_not_computed_yet_is_no_difference_in_generic_mode(
    pair: Host_, version: int, protocol: int, at: int, generic: bool
) -> None:
    """Between guests of one host the stack of the receiver would compute it, behind guard."""
    host = pair(ARMED, facts=NicFact.GENERIC_XDP if generic else NicFact(0))
    data = bytearray(frame(GROUP))
    data[14] = 0x45 if version == 4 else 0x60
    data[14 + (9 if version == 4 else 6)] = protocol
    whole, partial = bytearray(data), bytearray(data)
    whole[14 + at : 16 + at] = b"\x12\x34"
    partial[14 + at : 16 + at] = b"\xab\xcd"
    assert delivered(host, VF, whole)
    assert delivered(host, SYNTHETIC, partial) is not generic
    other = bytearray(data)
    other[13 + at] ^= 1
    assert delivered(host, SYNTHETIC, other), "the bytes before it count"


@pytest.mark.parametrize("at", [6, 14, 41, 42, 61, 62, 89])
def test_s80_frames_that_differ_in_one_byte_are_no_copies(pair: Host_, at: int) -> None:
    host = pair(ARMED)
    data = frame(GROUP)
    changed = data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]
    assert delivered(host, VF, data)
    assert delivered(host, SYNTHETIC, changed)


@pytest.mark.parametrize("size", [14, 20, 41])
def test_s80_frames_that_are_too_short_to_compare_are_delivered(pair: Host_, size: int) -> None:
    host = pair(ARMED)
    for _ in range(3):
        assert all(delivered(host, path, frame(GROUP)[:size]) for path in (VF, SYNTHETIC))


def tagged(data: bytes, vlan: int) -> bytes:
    return data[:12] + struct.pack("!HH", 0x8100, vlan) + data[12:]


@pytest.mark.parametrize("first", [VF, SYNTHETIC])
def test_s80_a_tag_may_be_in_one_copy_alone(pair: Host_, first: int) -> None:
    host = pair(ARMED)
    data = frame(GROUP)
    arrivals = {
        VF: lambda: host.home_answers(data, vlan=20) != SHOT,
        SYNTHETIC: lambda: not host.guard_drops(tagged(data, 20)),
    }
    second = SYNTHETIC if first == VF else VF
    assert (arrivals[first](), arrivals[second]()) == (True, False)


@pytest.mark.parametrize("first", [VF, SYNTHETIC])
@pytest.mark.parametrize("stripped", [False, True], ids=["both tags before guard", "the inner one alone"])
def test_s80_one_of_two_tags_may_have_been_removed(pair: Host_, first: int, stripped: bool) -> None:
    host = pair(ARMED, facts=NicFact.TAGS_HIDDEN if stripped else NicFact(0))
    for number in range(5):
        inner = tagged(frame(GROUP, number), 30)
        outer = inner if stripped else inner[:12] + struct.pack("!HH", 0x88A8, 20) + inner[12:]
        by_vf: Callable[[], bool] = lambda one=inner: host.home_answers(one, vlan=20) != SHOT  # noqa: E731
        by_synthetic: Callable[[], bool] = lambda one=outer: not host.guard_drops(one)  # noqa: E731
        order = (by_vf, by_synthetic) if first == VF else (by_synthetic, by_vf)
        assert [arrives() for arrives in order] == [True, False], number


def test_s80_tag_that_is_left_is_no_evidence_for_its_vlan(pair: Host_) -> None:
    """It may be the inner one of two; the outer one was removed."""
    host = pair(ARMED, facts=NicFact.TAGS_HIDDEN)
    for number in range(3):
        assert host.home_answers(frame(INNER, number), vlan=30) != SHOT
    assert not host.guard_drops(tagged(frame(INNER, 9), 30))


def test_s80_unicast_in_one_vlan_is_no_evidence_for_another(pair: Host_) -> None:
    host = pair(ARMED)
    for number in range(3):
        assert host.home_answers(frame(OWN_MAC, number)) != SHOT
        assert host.home_answers(frame(OWN_MAC, number), vlan=10) != SHOT
    assert host.guard_drops(frame(OWN_MAC, 7))
    assert host.guard_drops(tagged(frame(OWN_MAC, 8), 10))
    assert not host.guard_drops(tagged(frame(OWN_MAC, 9), 20)), "it may arrive here alone"


@pytest.mark.parametrize("first", [VF, SYNTHETIC])
@STATES
def test_s80_where_tags_are_removed_before_guard_frames_are_compared(
    pair: Host_, first: int, armed: int
) -> None:
    host = pair(armed, facts=NicFact.SENDERS | NicFact.TAGS_HIDDEN)
    arrivals = {
        VF: lambda data: host.home_answers(data, vlan=20) != SHOT,
        SYNTHETIC: lambda data: not host.guard_drops(data),
    }
    second = SYNTHETIC if first == VF else VF
    for number in range(5):
        data = frame(OWN_MAC, number)
        assert (arrivals[first](data), arrivals[second](data)) == (True, False)
    alone = SYNTHETIC if armed else VF
    assert all(arrivals[alone](frame(OWN_MAC, number)) for number in range(10, 20)), "no evidence by station"


@STATES
def test_s78_own_frames_do_not_come_back(pair: Host_, armed: int) -> None:
    host, (_, inactive) = pair(armed), paths_of(armed)
    for target in (GROUP, PEER, b"\xff" * 6):
        assert not delivered(host, inactive, frame(target, source=OWN_MAC))


@STATES
def test_s78_frames_of_devices_above_do_not_come_back(pair: Host_, armed: int) -> None:
    host, (_, inactive) = pair(armed, plain_ifindex=0), paths_of(armed)
    assert delivered(host, inactive, frame(PEER, 1, source=INNER)), "it has not sent"
    host.sends(frame(PEER, 2, source=INNER))
    for target in (GROUP, PEER, b"\xff" * 6):
        assert not delivered(host, inactive, frame(target, 3, source=INNER))
    later(host, 2500)
    assert delivered(host, inactive, frame(PEER, 4, source=INNER)), "it may have moved away"


@STATES
@pytest.mark.parametrize("last", [3, 4, 5], ids=["fourth-byte", "fifth-byte", "sixth-byte"])
@pytest.mark.parametrize("many", [2, 32, 200])
def test_s78_nor_do_those_of_many_that_send_at_once(pair: Host_, armed: int, many: int, last: int) -> None:
    """MACs in a row, as container engines and hypervisors number them, or of one machine after the other."""
    host, (_, inactive) = pair(armed, plain_ifindex=0), paths_of(armed)
    macs = [bytearray.fromhex("0242ac110000") for _ in range(many)]
    for number, mac in enumerate(macs):
        mac[last] = number
    frames = [frame(b"\xff" * 6, number, source=bytes(mac)) for number, mac in enumerate(macs)]
    for one in frames:
        host.sends(one)
    back = [delivered(host, inactive, one) for one in frames].count(True)
    assert back == 0 if many <= 32 else back <= many / 50


def test_s78_senders_that_are_silent_make_room_for_others(pair: Host_) -> None:
    host, clock = pair(ARMED, plain_ifindex=0), 0.0
    for number in range(4 * abi.EVIDENCE_SENDERS):
        clock += 10
        later(host, clock)
        one = frame(PEER, number, source=b"\x02\x00" + struct.pack("!I", number))
        host.sends(one)
        assert not delivered(host, SYNTHETIC, one), number


@STATES
def test_s78_a_device_that_sends_does_not_displace_those_that_sent_a_moment_ago(
    pair: Host_, armed: int
) -> None:
    """However many there are: the one that has been silent for the longest time gives way."""
    host, (_, inactive) = pair(armed, plain_ifindex=0), paths_of(armed)
    macs = [bytes.fromhex("0200") + struct.pack("!I", number * 2654435761 % 2**32) for number in range(500)]
    for number, mac in enumerate(macs):
        later(host, 10 * number)
        host.sends(frame(GROUP, number, source=mac))
        for recent in macs[max(0, number - 1) : number + 1]:
            assert not delivered(host, inactive, frame(GROUP, number, source=recent))


def test_s78_the_active_path_delivers_also_what_has_the_source_of_a_device_above(pair: Host_) -> None:
    host = pair(ARMED, plain_ifindex=0)
    host.sends(frame(PEER, source=INNER))
    assert delivered(host, VF, frame(OWN_MAC, source=INNER))


@pytest.mark.parametrize("mode", [GuardMode.MULTICAST, GuardMode.ALL])
@STATES
def test_s78_nor_in_the_other_modes(pair: Host_, armed: int, mode: GuardMode) -> None:
    host, (_, inactive) = pair(armed), paths_of(armed)
    host.set_pair(armed=armed, permitted=armed, guard=abi.GUARD_MODES.index(mode), plain_ifindex=0)
    host.sends(frame(PEER, source=INNER))
    for source in (OWN_MAC, INNER):
        assert not delivered(host, inactive, frame(PEER, source=source))


def test_s78_sources_are_noted_from_the_moment_a_device_is_put_on_top(pair: Host_) -> None:
    host = pair(ARMED)
    host.sends(frame(PEER, 1, source=INNER))
    assert delivered(host, SYNTHETIC, frame(PEER, 1, source=INNER)), "not noted: there was nothing above"
    host.happen(Event.NOTIFIER, OTHER, argument=NETDEV_PRECHANGEUPPER)
    assert host.pair.plain_ifindex == IFINDEX[SYNTHETIC]
    host.happen(Event.NOTIFIER, SYNTHETIC, argument=NETDEV_PRECHANGEUPPER)
    host.sends(frame(PEER, 2, source=INNER))
    assert not delivered(host, SYNTHETIC, frame(PEER, 2, source=INNER))


@pytest.mark.parametrize(
    ("rung", "facts", "plain"),
    [
        (Liveness.FENTRY, NicFact(0), True),
        (Liveness.FENTRY, NicFact.TAGS_HIDDEN, True),
        (Liveness.FENTRY, NicFact.SENDERS, False),
        (Liveness.LIVE, NicFact(0), False),
    ],
)
def test_s78_steer_notes_sources_where_nothing_else_notices_devices_above(
    rung: Liveness, facts: NicFact, plain: bool
) -> None:
    host = Host(rung)
    assert host.control(ControlCommand.FACTS, facts) is ControlResult.VF
    assert bool(host.pair.plain_ifindex) is plain


def test_s80_plain_unicast_of_a_vf_in_use_is_not_compared(pair: Host_) -> None:
    host = pair(ARMED)
    for number in range(10):
        assert delivered(host, VF, frame(OWN_MAC, number))
    assert host.pair.settled_ifindex == IFINDEX[VF]
    assert (host.counters.compared[1], host.counters.rx[1].packets) == (1, 10)


@pytest.mark.parametrize(
    "end",
    [
        lambda host: host.happen(Event.CARRIER_OFF),
        lambda host: host.control(ControlCommand.WITHDRAW, abi.REASONS.index(Reason.DAMPED)),
        lambda host: host.control(ControlCommand.HOME, 0),
        lambda host: host.control(ControlCommand.GUARD, abi.GUARD_MODES.index(GuardMode.ALL)),
    ],
    ids=["carrier", "withdrawn", "home", "guard"],
)
def test_s80_every_frame_is_compared_again_after_a_change(pair: Host_, end: Callable[[Host], object]) -> None:
    host = pair(ARMED)
    delivered(host, VF, frame(OWN_MAC, 1))
    assert host.pair.settled_ifindex
    end(host)
    assert not host.pair.settled_ifindex


def test_s80_nothing_is_compared_without_a_vf(pair: Host_) -> None:
    host = pair(SETTLING, home_ifindex=0)
    assert all(delivered(host, SYNTHETIC, frame(GROUP)) for _ in range(10))
    assert (host.counters.compared[0], host.counters.rx[0].packets) == (0, 10)


def test_s80_a_vf_that_failed_unnoticed_does_not_cost_what_the_synthetic_nic_gets(pair: Host_) -> None:
    host = pair(ARMED)
    delivered(host, VF, frame(OWN_MAC, 1))
    host.vf.state = 0
    numbers: Sequence[int] = range(10, 20)
    assert all(delivered(host, SYNTHETIC, frame(OWN_MAC, number)) for number in numbers)
    assert abi.REASONS[host.pair.reason] is Reason.VF_DOWN


def test_s77_guard_in_generic_mode_passes_what_home_redirects(pair: Host_) -> None:
    host = pair(ARMED, facts=NicFact.GENERIC_XDP)
    for number in range(5):
        for target in (OWN_MAC, GROUP, INNER):
            redirected = bytearray(frame(target, number))
            assert host.home_answers(redirected) != SHOT
            assert redirected[6] & 1, "marked"
            assert not host.guard_drops(redirected)
            assert bytes(redirected) == frame(target, number), "the mark is removed"
            assert host.guard_drops(frame(target, number)), "the copy on the wire"
    assert not host.pair.settled_ifindex, "each frame has to be marked"
    assert host.counters.rx[0].packets == 0


@STATES
@pytest.mark.parametrize("target", [GROUP, OWN_MAC, INNER], ids=["group", "own", "inner"])
def test_s77_nothing_is_dropped_while_guard_is_being_attached(pair: Host_, target: bytes, armed: int) -> None:
    host = pair(armed, facts=NicFact.GUARD_MOVES)
    both = [(path, frame(target, number)) for number in range(5) for path in paths_of(armed)]
    assert all(delivered(host, path, data) for path, data in both)
    host.control(ControlCommand.FACTS, 0)
    assert [delivered(host, path, data) for path, data in both].count(True) == 5, "the mode was kept"
