# SPDX-License-Identifier: GPL-2.0-only
"""Announcing a pair's MACs to switches after each path change.

Switches that learn MACs keep sending to the port where a MAC was last seen. When a VF loses its carrier, or
is used again, frames have to be sent on the new path even if the guest is idle. If hv_netvsc has enslaved the
VF it notifies its host itself (NVSP_MSG4_TYPE_SWITCH_DATA_PATH), and nothing is announced. A VF that it did
not enslave is announced like any other.

Level-triggered: an announcement is due if a pair's last path change is not the one that was announced. A
manager that starts announces the last change too: it may have happened without a manager. If the VF of an
armed pair is dead and the guest idle, no packet has made steer check it yet; the announcement does.
"""

import asyncio
import time
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.discovery.sysfs import driver_of
from netvsc_bpf.kernel.net import netvsc_statistics, upper_devices
from netvsc_bpf.kernel.net.announced_devices import announced_devices, stack_of
from netvsc_bpf.kernel.net.announced_stations import stations
from netvsc_bpf.kernel.net.announcement_round import announcements
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.packet_socket import RawSender
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process.capabilities import CAP_NET_RAW, require
from netvsc_bpf.manager.events.kinds import MANAGER, Event, Kind
from netvsc_bpf.manager.reconcile.pair_boundary import PairBoundary
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.state.attached_pairs import AttachedPair, Served, attached_pairs, some_links_for
from netvsc_bpf.manager.state.in_namespace import InNamespace
from netvsc_bpf.manager.sync.announcement_schedule import Schedule
from netvsc_bpf.model.errors import MissingCapability, NamespaceGone, NetvscBpfError

_WHAT = "cannot announce a path change"
_SYSFS = Path("/sys")
_TROUBLE_S = 1.0
"""How soon to try again after an error of the kernel."""


@dataclass(frozen=True, slots=True)
class AnnouncedState:
    """The state of a pair that decides whether an announcement is due."""

    changed_at: int
    """CLOCK_MONOTONIC ns of the last path change, 0 if there was none."""
    dead: bool = False
    """The VF is the path but cannot carry packets, and the kernel has not noticed yet."""


def owed(before: dict[int, AnnouncedState], now: dict[int, AnnouncedState]) -> set[int]:
    """Return the pairs whose path has changed since the last check, or is about to. Pure."""
    return {
        pair
        for pair, state in now.items()
        if state != before.get(pair, AnnouncedState(0))
        and (state.dead or state.changed_at != _at(before, pair))
    }


def _at(states: dict[int, AnnouncedState], pair: int) -> int:
    return states[pair].changed_at if pair in states else 0


class Announcer:
    """Announces for the pairs of one network namespace that are `managed`.

    Without `namespace` it is that of this process.
    """

    def __init__(
        self,
        policy: AnnouncePolicy,
        managed: Served,
        listener: Callable[[Event], None],
        namespace: InNamespace | None = None,
        unexpected: UnexpectedErrors | None = None,
        *,
        near: Callable[[], frozenset[int] | None] = lambda: None,
        claiming: Callable[[], Container[int]] = frozenset,
    ) -> None:
        """`near` returns the interfaces of pairs and their upper devices (ifindexes); None: unknown.

        `claiming` returns the synthetic NICs (ifindexes) whose IP addresses are announced too.
        """
        self._near, self._claiming = near, claiming
        self._boundary = PairBoundary(_WHAT, listener, unexpected)
        self._policy, self._managed, self._listener = policy, managed, listener
        self._namespace = namespace or InNamespace()
        self._pins = self._namespace.pins
        self._schedule = Schedule(policy)
        self._standing: dict[int, AnnouncedState] = {}
        self._links: dict[bytes, upper_devices.Link] = {}
        self._enslaved: dict[int, bool] = {}
        """By synthetic NIC: hv_netvsc has enslaved its VF, or had before the VF was removed."""
        self._woken = asyncio.Event()
        self._sender: RawSender | None = None
        self._complained = ""

    def wake(self) -> None:
        """Check for due announcements: the path changed, or may have."""
        self._woken.set()

    def configure(self, policy: AnnouncePolicy) -> None:
        """Apply another policy."""
        self._policy, self._schedule.policy = policy, policy
        self.wake()

    async def run(self) -> None:
        """Announce until cancelled. A driver that does not return blocks the announcements, and nothing else.

        Packet sockets need CAP_NET_RAW, which nothing else here does: without it the rest works.
        """
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="announce")
        try:
            while True:
                await self._wait()
                if not (self._policy.enabled and self._permitted()):
                    self._schedule.keep(set())
                    continue
                try:
                    await loop.run_in_executor(thread, self._work)
                except NamespaceGone:
                    await asyncio.sleep(_TROUBLE_S)
                except NetvscBpfError as error:
                    self._report(str(error))
                    await asyncio.sleep(_TROUBLE_S)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)
            if self._sender is not None:
                self._sender.close()

    def _permitted(self) -> bool:
        try:
            require("cannot announce path changes", CAP_NET_RAW)
        except MissingCapability as error:
            self._report(f"{error.what}: {error.why}; grant it, or use --no-announce")
            return False
        return True

    async def _wait(self) -> None:
        due = self._schedule.next_at()
        # Not asyncio.wait_for(): before Python 3.12 it loses a cancellation that comes with the event.
        with suppress(TimeoutError):
            async with asyncio.timeout(None if due is None else max(0.0, due - time.monotonic())):
                await self._woken.wait()
        self._woken.clear()

    def _work(self) -> None:
        with self._namespace.entered(), changing(_WHAT), Rtnetlink() as rtnl:
            now = self._look(some_links_for(self._pins, rtnl))
            for pair in owed(self._standing, now):
                self._schedule.changed(pair, time.monotonic())
            self._standing = now
            self._schedule.keep(set(now))
            ready = self._schedule.take(time.monotonic())
            if ready:
                self._send(rtnl, upper_devices.links_among(rtnl, self._near(), self._links), ready)

    def _look(self, links: Mapping[int, upper_devices.Link]) -> dict[int, AnnouncedState]:
        found = {}
        for pair in attached_pairs(self._pins, links, self._managed):
            with self._boundary.around(pair.synthetic.name, "look"):
                if self._driver_tells_host(pair):
                    continue
                alive = pair.vf is not None and pair.vf.up and pair.vf.carrier
                found[pair.synthetic.ifindex] = AnnouncedState(pair.changed_at, dead=pair.armed and not alive)
        return found

    def _driver_tells_host(self, pair: AttachedPair) -> bool:
        ifindex = pair.synthetic.ifindex
        if pair.vf is not None:
            self._enslaved[ifindex] = enslaved_by_driver(pair)
        return self._enslaved.get(ifindex, False)

    def _send(self, rtnl: Rtnetlink, links: dict[int, upper_devices.Link], pairs: list[int]) -> None:
        stacks = {pair: stack_of(pair, links) for pair in pairs if pair in links}
        heard = frozenset(ifindex for stack in stacks.values() for ifindex in stack.links)
        all_addresses = upper_devices.addresses(rtnl, heard)
        with self._sending() as sender:
            for pair, stack in stacks.items():
                with self._boundary.around(links[pair].name):
                    round_ = announcements(
                        announced_devices(stack, all_addresses),
                        stations(rtnl, stack),
                        addresses=pair in self._claiming(),
                        most=self._policy.most,
                    )
                    for one in round_:
                        # A frame that was not sent is repeated in the next round.
                        sender.send(one.ifindex, one.frame)

    @contextmanager
    def _sending(self) -> Iterator[RawSender]:
        """Yield the packet socket.

        Closing one takes an RCU grace period, and a VF that joins meanwhile would wait for one more. So the
        socket of the manager's own namespace is kept open. A socket in another namespace is closed, because
        it would keep that namespace alive.
        """
        if self._namespace.place is not None:
            with closing(RawSender()) as sender:
                yield sender
            return
        if self._sender is None:
            self._sender = RawSender()
        yield self._sender

    def _report(self, text: str) -> None:
        if text != self._complained:
            self._complained = text
            self._listener(Event(Kind.FAILED, MANAGER, text))


def enslaved_by_driver(pair: AttachedPair) -> bool:
    """Return whether hv_netvsc has enslaved the VF of a pair: then it notifies its host of path changes."""
    synthetic, vf = pair.synthetic, pair.vf
    if vf is None or vf.master != synthetic.ifindex or synthetic.parent is None:
        return False
    return driver_of(_SYSFS, *synthetic.parent) == netvsc_statistics.DRIVER
