# SPDX-License-Identifier: GPL-2.0-only
"""`netvsc-bpf run` as a process in the guest of a lab, and what the guest looks like meanwhile."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from netvsc_bpf import api, datapath
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.model.status import PairStatus
from tests.kernel.support import manager_log, own_manager
from tests.kernel.support.own_manager import Orders
from tests.kernel.support.waiting import eventually

Event = dict[str, Any]


class Manager:
    """One process; its events are collected from the moment it starts.

    Without an ``interface`` ("") it manages what its options say. ``wrapped_in`` is the beginning of a
    command line within the guest: setpriv and the like.
    """

    def __init__(
        self,
        lab: Lab,
        interface: str = "eth0",
        *options: str,
        wrapped_in: Sequence[str] = (),
        namespace: str | None = None,
    ) -> None:
        self.lab, self.interface, self.wrapped_in = lab, interface, wrapped_in
        self.namespace = namespace or lab.guest
        self.events: list[Event] = []
        self.noise: list[str] = []
        """What it wrote that is no event."""
        self.process = subprocess.Popen(
            self._command(options), text=True, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._reader = manager_log.following(self.process, self.events, self.noise)

    def _command(self, options: tuple[str, ...]) -> Sequence[str | os.PathLike[str]]:
        command: list[str | os.PathLike[str]] = [sys.executable, "-P", "-m", "netvsc_bpf.cli.main"]
        if self.wrapped_in:
            command = command_in(self.lab.guest, [*self.wrapped_in, *command])
        else:
            command += ["--netns", self.namespace]
        return [*command, "run", *filter(None, [self.interface]), "--any-bus", "--log-json", *options]

    def events_of(self, kind: str, text: str = "") -> list[Event]:
        """The events of a kind until now whose text contains `text`."""
        return [event for event in list(self.events) if event["event"] == kind and text in event["text"]]

    def wait_event(self, kind: str, text: str = "", times: int = 1) -> Event:
        """Return the last such event once there are as many."""

        def holds() -> bool:
            assert self.process.poll() is None, f"the manager ended: {self.noise}"
            return len(self.events_of(kind, text)) >= times

        eventually(f"{times} times {kind}: {text}; reported was {self.events}", holds)
        return self.events_of(kind, text)[-1]

    def statuses(self) -> list[PairStatus]:
        """What is attached."""
        return self.lab.in_guest(datapath.status)

    @property
    def status(self) -> PairStatus:
        (only,) = self.statuses()
        return only

    def asked_status(self) -> dict[str, Any]:
        """The object that `status --json` prints of the only pair, with what the manager answers."""
        (only,) = self.lab.in_guest(lambda: api.status())
        return only.as_json()

    @property
    def where(self) -> tuple[Path, Reason] | None:
        """The path, and why; None while nothing is attached."""
        found = self.statuses()
        return (found[0].path, found[0].reason) if found else None

    def wait_path(self, path: Path, reason: Reason | None = None) -> None:
        """Return once this is the path, for this reason if one is given."""

        def holds() -> bool:
            assert self.process.poll() is None, f"the manager ended: {self.noise}"
            now = self.where
            return now is not None and now[0] is path and reason in (None, now[1])

        eventually(f"{path} ({reason}); reported was {self.events}", holds)

    def wait_vf(self) -> None:
        self.wait_path(Path.VF)

    def kill(self) -> None:
        """As the out-of-memory killer does it."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as systemd does and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def close(self) -> None:
        """End it in any state, and wait for the reader."""
        if self.process.poll() is None:
            self.kill()
        self._reader.join(timeout=60)
        assert self.process.stdin is not None and self.process.stderr is not None
        self.process.stdin.close()
        self.process.stderr.close()


class OwnManager(Manager):
    """One that obeys orders of the test (own_manager.py)."""

    def __init__(self, lab: Lab, orders: Orders) -> None:
        self.orders = orders
        super().__init__(lab, orders.interfaces[0])

    def _command(self, options: tuple[str, ...]) -> Sequence[str | os.PathLike[str]]:
        return [sys.executable, "-m", own_manager.__name__, self.orders.as_argument(), *options]

    def go_on(self) -> None:
        """Let the step that hangs return."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def own_manager_of(lab: Lab, **orders: Any) -> Iterator[OwnManager]:
    """A manager with these Orders; at the end of the block it is gone, and so is what it attached."""
    manager = OwnManager(lab, Orders(lab.guest, **orders))
    try:
        yield manager
    finally:
        manager.close()
        lab.in_guest(datapath.detach_all)


@contextmanager
def managers(lab: Lab) -> Iterator[Callable[..., Manager]]:
    """A factory of managers; at the end of the block they are gone, and so is what they attached."""
    started: list[Manager] = []

    def start(
        interface: str = "eth0",
        *options: str,
        wrapped_in: Sequence[str] = (),
        namespace: str | None = None,
    ) -> Manager:
        started.append(Manager(lab, interface, *options, wrapped_in=wrapped_in, namespace=namespace))
        return started[-1]

    try:
        yield start
    finally:
        for one in started:
            one.close()
        lab.in_guest(datapath.detach_all)


def nic(lab: Lab, name: str) -> Nic | None:
    """An interface of the guest as discovery sees it."""

    def look() -> list[Nic]:
        with Rtnetlink() as rtnl:
            return list_nics(rtnl)

    return next((one for one in lab.in_guest(look) if one.name == name), None)


def ip(lab: Lab, *args: str) -> None:
    """Run `ip` in the guest."""
    lab.run(lab.guest, ["ip", *args])


def tap(lab: Lab, name: str) -> None:
    """Add a NIC with the MAC of the pair that takes no MTU above 65521, unlike the others."""
    ip(lab, "tuntap", "add", name, "mode", "tap")
    ip(lab, "link", "set", name, "address", lab.plan.pair(0).mac)
