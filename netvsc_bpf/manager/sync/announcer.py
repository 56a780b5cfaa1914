# SPDX-License-Identifier: GPL-2.0-only
"""Announcing a pair's MACs to switches after each path change.

Switches that learn MACs keep sending to the port where a MAC was last seen. When a VF loses its carrier, or
is used again, frames have to be sent on the new path even if the guest is idle. If hv_netvsc has enslaved the
VF it notifies its host itself (NVSP_MSG4_TYPE_SWITCH_DATA_PATH), and nothing is announced. A VF that it did
not enslave is announced like any other.

Level-triggered: an announcement is due if a pair's last path change is not the one that was announced. A
manager that starts announces the last change too: it may have happened without a manager. If the VF of an
armed pair is dead and the guest idle, no packet has made steer check it yet; the announcement does.

Which MACs to announce is asked by netlink, which waits for RTNL, and the driver of a VF that is removed may
hold that for a tenth of a second. So the first round after the kernel's own event is sent from memory
(last_rounds.py): packet sockets need no RTNL (packet_snd() looks the device up under RCU). What netlink adds
to it is sent when it answers.

Each round also has the members of multicast groups report again (kernel/net/membership_reports.py).
"""

import asyncio
import threading
import time
from collections.abc import Callable, Container, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from netvsc_bpf.discovery.sysfs import driver_of
from netvsc_bpf.kernel.net import netvsc_statistics, upper_devices
from netvsc_bpf.kernel.net.announced_devices import announced_devices, stack_of
from netvsc_bpf.kernel.net.announced_stations import stations
from netvsc_bpf.kernel.net.announcement_round import Announcement, announcements
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.membership_reports import request_reports
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process.capabilities import CAP_NET_RAW, require
from netvsc_bpf.manager.events.kinds import MANAGER, Event, Kind
from netvsc_bpf.manager.reconcile.pair_boundary import PairBoundary
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.state.attached_pairs import AttachedPair, Served, attached_pairs, some_links_for
from netvsc_bpf.manager.state.in_namespace import InNamespace
from netvsc_bpf.manager.sync.announced_state import AnnouncedState, newest, owed
from netvsc_bpf.manager.sync.announcement_schedule import Schedule
from netvsc_bpf.manager.sync.announcement_sockets import AnnouncementSockets
from netvsc_bpf.manager.sync.last_rounds import LastRounds
from netvsc_bpf.model.errors import MissingCapability, NamespaceGone, NetvscBpfError

_WHAT = "cannot announce a path change"
_SYSFS = Path("/sys")
_TROUBLE_S = 1.0
"""How soon to try again after an error of the kernel."""


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
        self._rounds = LastRounds()
        self._sent: dict[int, frozenset[Announcement]] = {}
        """By pair: what was announced at once, until netlink has answered."""
        self._lock = threading.Lock()
        """Protects the four above from the loop and the announcing thread; never held while waiting."""
        self._links: dict[bytes, upper_devices.Link] = {}
        self._enslaved: dict[int, bool] = {}
        """By synthetic NIC: hv_netvsc has enslaved its VF, or had before the VF was removed."""
        self._woken = asyncio.Event()
        self._sockets = AnnouncementSockets(own=self._namespace.place is None)
        self._grown_since: frozenset[int] | None = None
        """The interfaces near the pairs when rounds were last looked at."""
        self._elsewhere: ThreadPoolExecutor | None = None
        """For announcing at once in another namespace, which the loop's thread cannot enter."""
        self._complained = ""

    def wake(self) -> None:
        """Check for due announcements: the path changed, or may have."""
        self._woken.set()

    def at_once(self, pair: int, changed_at: int) -> None:
        """Announce a path change that the kernel reports, without waiting for RTNL.

        `changed_at` is its CLOCK_BOOTTIME in ns. Call it in the loop's thread, then wake(). Does nothing if
        no round of the pair was read yet, or the last one was sent just now.
        """
        with self._lock:
            self._follow_changes()
            now = time.monotonic()
            frames = self._rounds.at_once(pair, now, watched=self._sockets.own)
            if not frames or not self._schedule.changed_and_taken(pair, now):
                return
            self._standing[pair] = AnnouncedState(changed_at)
            self._sent[pair] = frozenset(frames)
            name = self._rounds.name(pair)
        if self._namespace.place is None:
            self._send_at_once(name, frames)
        elif self._elsewhere is not None:
            self._elsewhere.submit(self._send_at_once, name, frames)

    def _send_at_once(self, name: str, frames: list[Announcement]) -> None:
        with (
            suppress(NamespaceGone),
            self._boundary.around(name, "at once"),
            self._namespace.entered(),
            self._sockets.sending() as sender,
        ):
            for one in frames:
                sender.send(one.ifindex, one.frame)

    def _follow_changes(self) -> None:
        """Apply what changed since the rounds were read."""
        self._rounds.apply(self._sockets.changes(self._rounds.interfaces()))

    def configure(self, policy: AnnouncePolicy) -> None:
        """Apply another policy."""
        with self._lock:
            self._policy, self._schedule.policy = policy, policy
        self.wake()

    async def run(self) -> None:
        """Announce until cancelled. A driver that does not return blocks the announcements, and nothing else.

        Packet sockets need CAP_NET_RAW, which nothing else here does: without it the rest works.
        """
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="announce")
        self._elsewhere = ThreadPoolExecutor(max_workers=1, thread_name_prefix="announce-at-once")
        try:
            while True:
                await self._wait()
                if not (self._policy.enabled and self._permitted()):
                    self._schedule.keep(set())
                    await loop.run_in_executor(thread, self.close)
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
            self._elsewhere.shutdown(wait=False, cancel_futures=True)
            self.close()

    def close(self) -> None:
        """Close the sockets; they are opened again when needed."""
        with self._lock:
            self._rounds.keep(())
            self._sockets.close()

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
            links = some_links_for(self._pins, rtnl)
            now, grown = self._look(links), self._grown(links)
            if now:
                self._sockets.open()
            with self._lock:
                ready, sent, outdated = self._due(now, grown)
            if to_read := ready | sent.keys() | outdated:
                self._read(rtnl, to_read, ready, sent)

    def _grown(self, links: Mapping[int, upper_devices.Link]) -> set[int]:
        """Return the interfaces (ifindexes) near the pairs that have a new upper device."""
        before, self._grown_since = self._grown_since, self._near()
        if before is None or self._grown_since is None:
            return set()
        new = (links[ifindex].on for ifindex in self._grown_since - before if ifindex in links)
        return {lower for lower in new if lower is not None}

    def _due(
        self, now: dict[int, AnnouncedState], grown: set[int]
    ) -> tuple[set[int], dict[int, frozenset[Announcement]], set[int]]:
        """Return the pairs with a round that is due, what was sent at once, and the rounds to read again."""
        moment = time.monotonic()
        for pair in owed(self._standing, now):
            self._schedule.changed(pair, moment)
        self._standing = newest(self._standing, now)
        self._schedule.keep(set(now))
        self._rounds.keep(now)
        sent, self._sent = {pair: self._sent[pair] for pair in self._sent.keys() & now.keys()}, {}
        self._follow_changes()  # before they are read, so that what happens meanwhile is not lost
        return set(self._schedule.take(moment)), sent, self._rounds.outdated(now, moment, grown)

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

    def _read(
        self,
        rtnl: Rtnetlink,
        pairs: set[int],
        ready: set[int],
        sent: dict[int, frozenset[Announcement]],
    ) -> None:
        """Read the rounds of these pairs. Send those that are ready, and what others have not `sent` yet."""
        links = upper_devices.links_among(rtnl, self._near(), self._links)
        stacks = {pair: stack_of(pair, links) for pair in sorted(pairs) if pair in links}
        above = frozenset(ifindex for stack in stacks.values() for ifindex in stack.links)
        all_addresses = upper_devices.addresses(rtnl, above)
        with self._sockets.sending() as sender:
            for pair, stack in stacks.items():
                with self._boundary.around(links[pair].name):
                    round_ = announcements(
                        announced_devices(stack, all_addresses),
                        stations(rtnl, stack),
                        addresses=pair in self._claiming(),
                        most=self._policy.most,
                    )
                    with self._lock:
                        self._rounds.store(pair, stack.links, round_, time.monotonic())
                    if pair in ready or pair in sent:
                        before = frozenset() if pair in ready else sent[pair]
                        for one in round_:
                            # A frame that was not sent is repeated in the next round.
                            if one not in before:
                                sender.send(one.ifindex, one.frame)
                if self._policy.memberships and (pair in ready or pair in sent):
                    with self._boundary.around(links[pair].name, "memberships"):
                        request_reports(stack.links.values())

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
