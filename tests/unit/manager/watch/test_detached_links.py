# SPDX-License-Identifier: GPL-2.0-only
"""A link that is not in order wakes the loop once, and again when it is another one that is not."""

import asyncio
import threading
from pathlib import Path

import pytest

from netvsc_bpf.kernel.bpf import links
from netvsc_bpf.kernel.bpf.links import LinkState
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.manager.state.beat import Beat
from netvsc_bpf.manager.watch.attachment_looks import AttachmentLooks
from netvsc_bpf.manager.watch.detached_links import LinkWatch

OURS, THEIRS = 40, 41
WHERE = NetnsPins(7)


class World:
    """Two pinned links, and how often the loop was woken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.states: dict[Path, LinkState] = {
            WHERE.link(2, "steer"): LinkState(OURS, 2, 100),
            WHERE.link(2, "home"): LinkState(OURS, 3, 101),
        }
        self.woken = 0
        monkeypatch.setattr(links, "state", self.states.get)
        self.watch = LinkWatch(WHERE, self.wake, dict.fromkeys(self.states, OURS))

    def wake(self) -> None:
        self.woken += 1

    def steer(self, state: LinkState | None) -> int:
        """Let steer's link be like that, look, and say how often the loop has been woken."""
        if state is None:
            self.states.pop(WHERE.link(2, "steer"), None)
        else:
            self.states[WHERE.link(2, "steer")] = state
        self.watch.look()
        return self.woken


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_intact_links_cause_no_wake_up(world: World) -> None:
    assert [world.steer(LinkState(OURS, 2, 100)) for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("state", [LinkState(OURS, 0, 100), LinkState(THEIRS, 2, 100)])
def test_what_is_detached_or_replaced_wakes_once(world: World, state: LinkState) -> None:
    assert [world.steer(state) for _ in range(3)] == [1, 1, 1]


def test_put_back_and_lost_again_between_two_looks_is_another_loss(world: World) -> None:
    assert [world.steer(LinkState(OURS, 0, number)) for number in (100, 102)] == [1, 2]


def test_lost_after_it_was_in_order_wakes_again(world: World) -> None:
    states = (LinkState(OURS, 0, 100), LinkState(OURS, 2, 100), LinkState(OURS, 0, 100))
    assert [world.steer(state) for state in states] == [1, 1, 2]


def test_pin_that_is_gone_is_inotifys(world: World) -> None:
    assert world.steer(None) == 0


def test_a_link_that_cannot_be_read_wakes_once_and_hides_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def state(path: Path) -> LinkState | None:
        if path == WHERE.link(2, "steer"):
            raise PermissionError(13, "no")
        return world.states.get(path)

    monkeypatch.setattr(links, "state", state)
    assert [world.steer(LinkState(OURS, 2, 100)) for _ in range(3)] == [1, 1, 1]
    world.states[WHERE.link(2, "home")] = LinkState(THEIRS, 3, 101)
    world.watch.look()
    assert world.woken == 2


def test_links_are_read_in_a_thread_so_that_the_loop_never_waits_for_rtnl(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in = set()

    def state(path: Path) -> LinkState | None:
        read_in.add(threading.current_thread())
        return LinkState(OURS, 0, 100)

    monkeypatch.setattr(links, "state", state)

    async def until_woken() -> None:
        woken = asyncio.Event()
        world.watch.wake = woken.set
        looks = AttachmentLooks((world.watch,), Beat(), every_s=0.001)
        watching = asyncio.create_task(looks.run())
        await asyncio.wait_for(woken.wait(), 60)
        watching.cancel()

    asyncio.run(until_woken())
    assert read_in and threading.current_thread() not in read_in
