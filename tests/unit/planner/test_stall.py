# SPDX-License-Identifier: GPL-2.0-only
"""When is a VF stalled, and when only slow to count? For how long is it held?"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.model.setting import Contradiction
from netvsc_bpf.planner.stall import Hold, StallPolicy, Standstill

POLICIES = st.builds(
    StallPolicy, intervals=st.integers(1, 10), least_packets=st.integers(1, 50), hold_s=st.floats(0.1, 900)
)
DEFAULTS = StallPolicy()


def looks(policy: StallPolicy, counters: list[tuple[int, int]]) -> tuple[int | None, int]:
    """Look at (redirected, transmitted) in turn.

    Return the look that found it stalled, and how many read the VF's counter.
    """
    still: Standstill | None = None
    reads = 0
    for number, (redirected, transmitted) in enumerate(counters):
        if still is not None and still.idle(redirected, policy):
            continue
        reads += 1
        if still is None:
            still = Standstill.start(7, 1, redirected, transmitted)
            continue
        still = still.observed(redirected, transmitted, policy)
        if still.stalled(policy):
            return number, reads
    return None, reads


def totals(packets: list[int]) -> list[int]:
    found = [0]
    for more in packets:
        found.append(found[-1] + more)
    return found


TRAFFIC = st.lists(st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 10_000)), min_size=1, max_size=60)


@given(POLICIES, TRAFFIC, st.data())
def test_s22_driver_that_counts_late_is_no_stall(
    policy: StallPolicy, packets: list[int], data: st.DataObject
) -> None:
    """As late as the policy allows for, another time each look; counters never go back."""
    redirected, transmitted = totals(packets), 0
    counters = []
    for number, given_ in enumerate(redirected):
        late = data.draw(st.integers(0, policy.intervals))
        transmitted = max(transmitted, redirected[max(0, number - late)])
        counters.append((given_, transmitted))
    assert looks(policy, counters)[0] is None


@given(POLICIES, TRAFFIC, st.integers(0, 1 << 40))
def test_s22_vf_that_transmits_nothing_is_detected_after_the_intervals(
    policy: StallPolicy, packets: list[int], before: int
) -> None:
    redirected = totals(packets)
    enough = next((n for n, given_ in enumerate(redirected) if given_ >= policy.least_packets), None)
    found, _ = looks(policy, [(given_, before) for given_ in redirected])
    if enough is None or enough + policy.intervals >= len(redirected):
        assert found is None
    else:
        assert found == enough + policy.intervals


@given(POLICIES, TRAFFIC, st.integers(0, 59))
def test_one_packet_that_leaves_is_proof_of_life(policy: StallPolicy, packets: list[int], at: int) -> None:
    redirected = totals(packets)
    counters = [(given_, int(number >= at)) for number, given_ in enumerate(redirected)]
    found, _ = looks(policy, counters)
    assert found is None or found < at or found >= at + policy.intervals


def test_nothing_is_read_while_nothing_is_redirected() -> None:
    assert looks(DEFAULTS, [(1000, 5)] * 100) == (None, 1)
    few = [(1000 + min(number, 3), 5) for number in range(100)]
    assert looks(DEFAULTS, few) == (None, 1 + 3)


def test_looks_become_rarer_while_nothing_is_sent_and_are_as_frequent_at_once_when_something_is() -> None:
    pauses = [DEFAULTS.interval_s]
    for moving in (False, False, False, False, True, False):
        pauses.append(DEFAULTS.pause_s(pauses[-1], moving=moving))
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0, 1.0, 2.0]


@given(POLICIES, st.floats(0.1, 60_000), st.booleans())
def test_no_pause_is_longer_than_a_verdict_takes(policy: StallPolicy, last: float, moving: bool) -> None:
    assert policy.pause_s(last, moving=moving) <= policy.intervals * policy.interval_s


def test_defaults_allow_for_drivers_that_count_every_two_seconds() -> None:
    """With another second for a machine that is busy."""
    assert DEFAULTS.intervals * DEFAULTS.interval_s >= 3.0


@pytest.mark.parametrize(
    ("vf", "changed_at", "redirected", "same"),
    [(7, 1, 10, True), (8, 1, 10, False), (7, 2, 10, False), (7, 1, 9, False)],
)
def test_another_vf_change_of_path_or_counter_begins_anew(
    vf: int, changed_at: int, redirected: int, same: bool
) -> None:
    assert Standstill.start(7, 1, 10, 0).concerns(vf, changed_at, redirected) is same


@given(POLICIES, st.lists(st.floats(0, 800), min_size=1, max_size=12))
def test_holds_grow_with_each_stall_up_to_the_longest(policy: StallPolicy, gaps: list[float]) -> None:
    """Each gap is how long it worked after a hold: less than what makes up for the last one."""
    hold, now, lengths = Hold(), 1000.0, []
    for gap in gaps:
        hold = hold.stalled(7, now, policy)
        lengths.append(hold.length_s)
        assert hold.is_active(7, now) and hold.is_active(7, now + hold.length_s * 0.999)
        now = hold.until + gap
        assert not hold.is_active(7, now) and hold.left_s(now) is None
    assert lengths[0] == policy.hold_s
    assert all(after == min(policy.hold_most_s, 2 * before) for before, after in itertools.pairwise(lengths))


def test_vf_that_worked_for_long_is_held_briefly_again() -> None:
    hold = Hold().stalled(7, 1000.0, DEFAULTS)
    hold = hold.stalled(7, hold.until + 1.0, DEFAULTS)
    assert hold.length_s == 60.0
    hold = hold.stalled(7, hold.until + DEFAULTS.hold_most_s, DEFAULTS)
    assert hold.length_s == 30.0


def test_stall_that_is_reported_twice_counts_once() -> None:
    hold = Hold().stalled(7, 1000.0, DEFAULTS)
    assert hold.stalled(7, 1000.5, DEFAULTS) == hold


def test_vf_in_its_place_is_not_held() -> None:
    hold = Hold().stalled(7, 1000.0, DEFAULTS)
    assert not hold.is_active(8, 1001.0) and not hold.is_active(None, 1001.0)


def test_holds_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(Contradiction, match="hold_most_s"):
        StallPolicy(hold_s=10, hold_most_s=5)
