# SPDX-License-Identifier: GPL-2.0-only
"""Which path changes are still to be announced."""

from netvsc_bpf.manager.sync.announced_state import AnnouncedState, newest, owed


def test_an_announcement_is_due_for_each_change_and_for_an_unnoticed_failure() -> None:
    assert owed({}, {2: AnnouncedState(0)}) == set(), "there never was a change"
    assert owed({}, {2: AnnouncedState(7)}) == {2}, "a manager that starts announces the last one"
    assert owed({2: AnnouncedState(7)}, {2: AnnouncedState(7)}) == set()
    assert owed({2: AnnouncedState(7)}, {2: AnnouncedState(8)}) == {2}
    assert owed({2: AnnouncedState(7)}, {2: AnnouncedState(7, dead=True)}) == {2}
    assert owed({2: AnnouncedState(7, dead=True)}, {2: AnnouncedState(7, dead=True)}) == set()
    assert owed({2: AnnouncedState(7, dead=True)}, {2: AnnouncedState(7)}) == set()
    assert owed({2: AnnouncedState(7, dead=True)}, {2: AnnouncedState(9)}) == {2}


def test_change_that_was_announced_at_once_is_not_due_again_when_an_older_state_was_read() -> None:
    at_once = {2: AnnouncedState(9)}
    assert owed(at_once, {2: AnnouncedState(7)}) == set()
    assert newest(at_once, {2: AnnouncedState(7), 3: AnnouncedState(1)}) == {
        2: AnnouncedState(9),
        3: AnnouncedState(1),
    }
    assert newest(at_once, {2: AnnouncedState(11, dead=True)}) == {2: AnnouncedState(11, dead=True)}
    assert newest(at_once, {}) == {}, "it is not attached any more"
