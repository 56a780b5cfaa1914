# SPDX-License-Identifier: GPL-2.0-only
"""What is announced at once, from memory: nothing that may have become untrue."""

from dataclasses import replace

import pytest

from netvsc_bpf.kernel.net.announcement_round import Announcement
from netvsc_bpf.kernel.net.announcement_watch import Changes
from netvsc_bpf.manager.sync.last_rounds import LastRounds
from tests.unit.kernel.net.stack_shapes import ETH0, by_ifindex, link, mac

PAIR, MACVLAN = 2, link(3, "macvlan", on=2)
OWN, UPPER = Announcement(PAIR, b"own"), Announcement(3, b"macvlan")
STATION, CLAIM = Announcement(PAIR, b"station", mac(7)), Announcement(PAIR, b"claim", claims=True)
TRUE = [OWN, UPPER, STATION]


def rounds() -> LastRounds:
    made = LastRounds()
    made.store(PAIR, by_ifindex(ETH0, MACVLAN), [OWN, CLAIM, UPPER, STATION], 100.0)
    return made


def after(changes: Changes) -> list[Announcement]:
    made = rounds()
    made.apply(changes)
    return made.at_once(PAIR, 100.0, watched=True)


def test_everything_but_claims_is_announced_again() -> None:
    assert after(Changes()) == TRUE
    assert LastRounds().at_once(PAIR, 100.0, watched=True) == []


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        (Changes(addresses={3}), [OWN, STATION]),
        (Changes(addresses={PAIR}), TRUE),
        (Changes(macs={mac(7)}), [OWN, UPPER]),
        (Changes(macs={mac(8)}), TRUE),
        (Changes(links={3: None}), [OWN]),
        (Changes(links={3: replace(MACVLAN, proto_down=True)}), [OWN]),
        (Changes(links={3: replace(MACVLAN, carrier=False, name="x")}), TRUE),
        (Changes(links={99: None}), TRUE),
        (Changes(links={PAIR: replace(ETH0, master=9)}), []),
        (Changes(links={PAIR: replace(ETH0, mac=mac(1))}), []),
        (Changes(lost=True), [OWN]),
    ],
    ids=[
        *("backup-now", "own-address", "station-moved", "other-station"),
        *("gone", "proto-down", "carrier", "other-interface", "enslaved", "other-mac", "lost"),
    ],
)
def test_what_may_have_become_untrue_is_left_out(changes: Changes, left: list[Announcement]) -> None:
    assert after(changes) == left
    made = rounds()
    made.apply(changes)
    assert made.outdated([PAIR], 100.0, set()) == (set() if left == TRUE else {PAIR}), "it is read again"


@pytest.mark.parametrize(("watched", "age_s"), [(False, 0.0), (True, 1000.0)], ids=["unwatched", "old"])
def test_only_the_own_mac_is_announced_from_what_cannot_be_trusted(watched: bool, age_s: float) -> None:
    assert rounds().at_once(PAIR, 100.0 + age_s, watched=watched) == [OWN]


def test_round_is_read_again_when_it_is_old_or_there_is_more_above_it() -> None:
    made = rounds()
    assert made.outdated([PAIR, 5], 100.0, set()) == {5}
    assert made.outdated([PAIR], 1000.0, set()) == {PAIR}
    assert made.outdated([PAIR], 100.0, {3}) == {PAIR}
    assert made.outdated([PAIR], 100.0, {99}) == set()


def test_pairs_that_are_gone_are_forgotten() -> None:
    made = rounds()
    assert (made.interfaces(), made.name(PAIR)) == ({PAIR, 3}, ETH0.name)
    made.keep([5])
    assert (made.interfaces(), made.at_once(PAIR, 100.0, watched=True)) == (frozenset(), [])
